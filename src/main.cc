// hearth-server: reads the configuration, becomes what it says, and serves until told to stop.

#include <algorithm>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/hash.h"
#include "base/memory.h"
#include "engine/command_facts.h"
#include "env/clock.h"
#include "env/disk.h"
#include "env/net.h"
#include "env/process.h"
#include "env/random.h"
#include "server/config_files.h"
#include "server/crash_report.h"
#include "server/launch.h"
#include "server/server.h"
#include "settings/configuration.h"

namespace hearth {
namespace {

std::string ReadStandardInput() {
  std::string text;
  char piece[4096];
  while (const size_t size = std::fread(piece, 1, sizeof piece, stdin)) text.append(piece, size);
  return text;
}

int Main(const std::string& program, const std::vector<std::string>& words) {
  const auto memory = RegisterThreadMemory();
  if (const auto answer = server::AnswerInformationOption(words)) {
    std::fputs(answer->text.c_str(), answer->is_asked_for ? stdout : stderr);
    return answer->is_asked_for ? 0 : 1;
  }

  const auto disk = env::MakeSystemDisk();
  const auto clock = env::MakeSystemClock();
  const auto random = env::MakeSystemRandom();
  const auto net = env::MakeSystemNet();
  SetHashSeed(random->Seed64());

  const bool is_sentinel = server::IsSentinelAsked(program, words);
  Logger log;
  server::ConfigFiles files(*disk);
  settings::Configuration configuration(files);
  const settings::StartArguments arguments = settings::ParseStartArguments(words);
  std::string standard_input;
  if (arguments.reads_standard_input) standard_input = ReadStandardInput();
  const auto give_up = [](const Error& error) {
    std::fputs(settings::Configuration::FatalText(error, server::kVersionText).c_str(), stderr);
    return 1;
  };
  if (Status status = configuration.Load(arguments, standard_input, server::OptionsForLoading(is_sentinel));
      !status) {
    return give_up(status.error());
  }
  std::optional<server::SentinelState> sentinel;
  if (is_sentinel) {
    auto state = server::LoadSentinelState(configuration, *disk, *clock, *random, log);
    if (!state) return give_up(state.error());
    sentinel = std::move(*state);
  }

  server::Launch launch(configuration, log, *disk, is_sentinel);
  if (Status status = launch.Prepare(!words.empty()); !status) return 1;

  auto poller = env::MakeSystemPoller();
  if (!poller) {
    log.Warning("{}", poller.error().message);
    return 1;
  }
  server::Server server(configuration, log, *clock, *net, **poller, *random, *disk, std::move(sentinel));
  env::CatchStopSignals([](void* sleeper) { static_cast<server::Server*>(sleeper)->Wake(); }, &server);
  server::InstallCrashReport(log, [&server] { return server.Describe(); });
  server::EnableCrashReport(configuration.settings().crash_log_enabled);
  if (Status status = server.Start(); !status) return 1;
  launch.NotifyReady();
  const int code = server.Run();
  env::CatchStopSignals(nullptr, nullptr);
  launch.CleanUp();
  log.Warning("{} is now ready to exit, bye bye...", is_sentinel ? "Sentinel" : "Hearth");
  return code;
}

}  // namespace
}  // namespace hearth

int main(int argc, char** argv) {
  const std::string program = argc > 0 ? argv[0] : "";
  const std::vector<std::string> words(argv + std::min(argc, 1), argv + argc);
  hearth::env::KeepTitleRoom(argc, argv);
  return hearth::Main(program, words);
}
