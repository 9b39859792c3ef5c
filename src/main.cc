// hearth-server: reads the configuration, becomes what it says, and serves until told to stop.

#include <cstdio>
#include <iostream>
#include <iterator>
#include <memory>
#include <string>
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

server::Server* running_server = nullptr;

int Main(std::vector<std::string> words) {
  const auto memory = RegisterThreadMemory();
  if (const auto code = server::AnswerInformationOption(words)) return *code;

  const auto disk = env::MakeSystemDisk();
  const auto clock = env::MakeSystemClock();
  const auto random = env::MakeSystemRandom();
  const auto net = env::MakeSystemNet();
  SetHashSeed(random->Seed64());

  server::ConfigFiles files(*disk);
  settings::Configuration configuration(files);
  const settings::StartArguments arguments = settings::ParseStartArguments(words);
  std::string standard_input;
  if (arguments.reads_standard_input) standard_input.assign(std::istreambuf_iterator<char>(std::cin), {});
  if (Status status = configuration.Load(arguments, standard_input, server::OptionsForLoading()); !status) {
    std::fputs(settings::Configuration::FatalText(status.error(), server::kVersionText).c_str(), stderr);
    return 1;
  }

  Logger log;
  server::Launch launch(configuration, log, *disk);
  if (Status status = launch.Prepare(!words.empty()); !status) return 1;

  auto poller = env::MakeSystemPoller();
  if (!poller) {
    log.Warning("{}", poller.error().message);
    return 1;
  }
  log.SetRole('M');
  server::Server server(configuration, log, *clock, *net, **poller, *disk, *random);
  running_server = &server;
  env::CatchStopSignals([] { running_server->Wake(); });
  server::InstallCrashReport(log, [] { return std::string(); });
  if (Status status = server.Start(); !status) return 1;
  launch.NotifyReady();
  const int code = server.Run();
  launch.CleanUp();
  log.Warning("Hearth is now ready to exit, bye bye...");
  return code;
}

}  // namespace
}  // namespace hearth

int main(int argc, char** argv) { return hearth::Main({argv + 1, argv + argc}); }
