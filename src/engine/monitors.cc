#include "engine/monitors.h"

#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/text.h"
#include "engine/client.h"
#include "engine/redaction.h"

namespace hearth::engine {

std::string MonitorLine(const ShownCommand& command) {
  std::string line = fmt::format("+{}.{:06} [{} {}]", command.at_us / 1'000'000, command.at_us % 1'000'000,
                                 command.database, command.source);
  for (const std::string_view word : WithoutSecrets(command.args)) {
    line += ' ';
    line += Quote(word);
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
