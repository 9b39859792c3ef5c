#include "server/launch.h"

#include <algorithm>
#include <cstdio>

#include <fmt/format.h>

#include "base/text.h"
#include "engine/acl_users.h"
#include "env/process.h"

namespace hearth::server {
namespace {

constexpr const char* kUsage =
    "Usage: hearth-server [configuration file] [options] [-]\n"
    "       hearth-server -          the configuration comes from standard input\n"
    "       hearth-server -v, --version\n"
    "       hearth-server -h, --help\n"
    "       hearth-server sentinel.conf --sentinel        (or: hearth-sentinel sentinel.conf)\n"
    "\n"
    "Every directive of the configuration file is an option too:\n"
    "       hearth-server                                 (all defaults: port 6379)\n"
    "       hearth-server --port 7777 --save \"\"\n"
    "       hearth-server /etc/hearth/hearth.conf --loglevel verbose\n"
    "       echo 'maxmemory 1gb' | hearth-server -\n";

constexpr std::string_view kFacilities[] = {"user",   "local0", "local1", "local2", "local3",
                                            "local4", "local5", "local6", "local7"};

}  // namespace

bool IsSentinelAsked(std::string_view program, const std::vector<std::string>& words) {
  if (program.ends_with("-sentinel")) return true;
  return std::any_of(words.begin(), words.end(),
                     [](const std::string& word) { return EqualsIgnoreCase(word, "--sentinel"); });
}

std::optional<InformationAnswer> AnswerInformationOption(const std::vector<std::string>& words) {
  if (words.size() != 1) return std::nullopt;
  if (words[0] == "-v" || words[0] == "--version") {
    // The form in which scripts look for "v=".
    return InformationAnswer{
        fmt::format("Hearth server v={} (Redis interface 7.2.4) bits={}\n", kVersion, 8 * sizeof(void*)),
        true};
  }
  if (words[0] == "-h" || words[0] == "--help") {
    // As Redis has it, help is an error's text.
    return InformationAnswer{kUsage, false};
  }
  return std::nullopt;
}

settings::LoadOptions OptionsForLoading(bool is_sentinel) {
  settings::LoadOptions options;
  options.is_sentinel = is_sentinel;
  options.is_command = [](std::string_view name) {
    const auto facts = engine::AllCommandFacts();
    return std::any_of(facts.begin(), facts.end(),
                       [&](const auto& command) { return EqualsIgnoreCase(command.name, name); });
  };
  options.check_user = [is_sentinel](const std::vector<std::string>& words) -> Status {
    engine::CommandTable table;
    if (is_sentinel) table.BecomeSentinel();
    const auto user = engine::AclUsers(table).ParseLine(words);
    if (!user) return std::unexpected(user.error());
    return {};
  };
  return options;
}

Status Launch::OpenLog() {
  const settings::Settings& settings = configuration_.settings();
  log_.SetLevel(static_cast<LogLevel>(settings.loglevel));
  if (!settings.logfile.empty()) HEARTH_TRY(log_.SetFile(settings.logfile));
  if (settings.syslog_enabled) {
    HEARTH_TRY(
        log_.OpenSyslog(settings.syslog_ident, kFacilities[static_cast<int>(settings.syslog_facility)]));
  }
  return {};
}

bool Launch::IsSupervised() const {
  switch (configuration_.settings().supervised) {
    case settings::Supervised::kNo:
      return false;
    case settings::Supervised::kSystemd:
      return env::Supervisor() == "systemd";
    case settings::Supervised::kUpstart:
      return env::Supervisor() == "upstart";
    case settings::Supervised::kAuto:
      return !env::Supervisor().empty();
  }
  return false;
}

Status Launch::Prepare(bool has_arguments) {
  const settings::Settings& settings = configuration_.settings();
  log_.SetRole('C');
  // A log that cannot be opened is told on standard error, before anything moves to the background.
  if (Status status = OpenLog(); !status) {
    // lint: allow print because the log is what could not be opened
    std::fputs(fmt::format("Can't open the log file: {}\n", status.error().message).c_str(), stderr);
    return status;
  }
  if (settings.daemonize && !IsSupervised()) {
    if (Status status = env::Daemonize(); !status) {
      log_.Warning("{}", status.error().message);
      return status;
    }
  }
  const int pid = env::ProcessId();
  log_.Notice("oO0OoO0OoO0Oo Hearth is starting oO0OoO0OoO0Oo");
  log_.Notice("Hearth version={}, interface=redis-7.2.4, bits=64, pid={}, just started", kVersion, pid);
  if (has_arguments) {
    log_.Notice("Configuration loaded");
  } else {
    log_.Warning(
        "Warning: no config file specified, using the default config. In order to specify a config file use "
        "hearth-server /path/to/hearth.conf");
  }
  for (const std::string& warning : configuration_.warnings()) log_.Warning("{}", warning);
  log_.SetRole(is_sentinel_ ? 'X' : 'M');
  const int64_t port = settings.port != 0 ? settings.port : settings.tls_port;
  const std::string_view mode = is_sentinel_ ? "sentinel" : "standalone";
  log_.Notice("Running mode={}, port={}.", mode, port);
  if (settings.always_show_logo ||
      (settings.logfile.empty() && !settings.daemonize && env::OutputIsTerminal())) {
    log_.Raw(fmt::format(
        "\n      )  (\n     (   ) )      Hearth {} (64 bit)\n      ) ( (       Running in {} mode\n"
        "    _(_____)_     Port: {}\n   |_________|    PID: {}\n   |__|_|_|__|\n\n",
        kVersion, mode, port, pid));
  } else {
    log_.Notice("Port: {}, PID: {}", port, pid);
  }
  WritePidFile();
  return {};
}

void Launch::WritePidFile() {
  const settings::Settings& settings = configuration_.settings();
  if (settings.pidfile.empty() && !settings.daemonize) return;
  const std::string usual = is_sentinel_ ? "/var/run/hearth-sentinel.pid" : "/var/run/hearth.pid";
  pid_file_ = settings.pidfile.empty() ? usual : settings.pidfile;
  auto file = disk_.Open(pid_file_, env::OpenMode::kTruncate);
  Status status =
      file ? (*file)->Append(fmt::format("{}\n", env::ProcessId())) : std::unexpected(file.error());
  if (!status) {
    log_.Warning("Cannot write the pid file: {}", status.error().message);
    pid_file_.clear();
  }
}

void Launch::NotifyReady() {
  if (IsSupervised() && env::Supervisor() == "systemd")
    env::NotifySystemd("STATUS=Ready to accept connections\nREADY=1\n");
}

void Launch::CleanUp() {
  if (IsSupervised() && env::Supervisor() == "systemd") env::NotifySystemd("STOPPING=1\n");
  const auto remove = [this](std::string_view what, const std::string& path) {
    if (path.empty()) return;
    log_.Notice("Removing the {} file.", what);
    if (Status status = disk_.Remove(path); !status) log_.Warning("{}", status.error().message);
  };
  remove("pid", pid_file_);
  remove("unix socket", configuration_.settings().unixsocket);
}

}  // namespace hearth::server
