#include "engine/monitors.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "base/text.h"
#include "engine/client.h"

namespace hearth::engine {
namespace {

constexpr std::string_view kRedacted = "(redacted)";

// For each argument whether it is a secret. Commands that only administrators give are not shown at all.
std::vector<bool> FindSecrets(std::span<const std::string_view> args) {
  std::vector<bool> secrets(args.size());
  const auto hide = [&](size_t first, size_t count) {
    for (size_t i = first; i < std::min(args.size(), first + count); ++i) secrets[i] = true;
  };
  const auto hide_after = [&](size_t first, std::string_view word, size_t count) {
    for (size_t i = first; i < args.size(); ++i) {
      if (!secrets[i] && EqualsIgnoreCase(args[i], word)) hide(i + 1, count);
    }
  };
  if (EqualsIgnoreCase(args[0], "auth")) {
    hide(1, args.size());
  } else if (EqualsIgnoreCase(args[0], "hello")) {
    hide_after(2, "auth", 2);
  } else if (EqualsIgnoreCase(args[0], "migrate")) {
    hide_after(6, "auth", 1);
    hide_after(6, "auth2", 2);
  }
  return secrets;
}

}  // namespace

std::string MonitorLine(const ShownCommand& command) {
  std::string line = fmt::format("+{}.{:06} [{} {}]", command.at_us / 1'000'000, command.at_us % 1'000'000,
                                 command.database, command.source);
  const std::vector<bool> secrets = FindSecrets(command.args);
  for (size_t i = 0; i < command.args.size(); ++i) {
    line += ' ';
    line += Quote(secrets[i] ? kRedacted : command.args[i]);
  }
  return line += "\r\n";
}

void Monitors::Add(Client& client) {
  if (client.is(Client::kMonitoring)) return;
  client.set(Client::kMonitoring, true);
  clients_.push_back(&client);
}

void Monitors::Remove(Client& client) {
  if (!client.is(Client::kMonitoring)) return;
  client.set(Client::kMonitoring, false);
  std::erase(clients_, &client);
}

void Monitors::Show(const ShownCommand& command) {
  const std::string line = MonitorLine(command);
  for (Client* client : clients_) {
    if (client != command.caller) {
      Send(*client, line);
      continue;
    }
    // Inside EXEC the line would stand in the middle of the reply.
    held_back_ += line;
    if (!command.is_in_unit) Send(*client, std::exchange(held_back_, {}));
  }
}

void Monitors::Send(Client& client, std::string_view lines) {
  if (client.state & (Client::kClosing | Client::kReplyLimited)) return;
  client.writer.Raw(lines);
  if (client.connection != nullptr) client.connection->ScheduleWrite();
  if (after_delivery_) after_delivery_(client);
}

}  // namespace hearth::engine
