// Any bytes as an ACL file, and as rules of ACL SETUSER: either an error with a text, or users who, written
// down and read again, are the same users with the same rights.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "engine/acl_users.h"
#include "engine/command_table.h"

namespace {

using hearth::engine::AclUser;
using hearth::engine::AclUsers;
using hearth::engine::AclVerdict;
using hearth::engine::Command;
using hearth::engine::CommandTable;

std::vector<std::string> Split(std::string_view text, char at) {
  std::vector<std::string> pieces;
  for (;;) {
    const size_t end = text.find(at);
    pieces.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) return pieces;
    text.remove_prefix(end + 1);
  }
}

// Requests of every shape: no key, one key, many keys, channels, first arguments, subcommands.
bool HaveTheSameRights(const CommandTable& table, const AclUser& one, const AclUser& other) {
  const std::vector<std::vector<std::string_view>> requests = {{"ping"},
                                                               {"get", "a"},
                                                               {"set", "ab", "v"},
                                                               {"mset", "a", "v", "b", "v"},
                                                               {"publish", "a", "m"},
                                                               {"psubscribe", "a*"},
                                                               {"select", "0"},
                                                               {"copy", "a", "ab"},
                                                               {"flushall"},
                                                               {"sort", "a", "BY", "b*"},
                                                               {"keys", "*"},
                                                               {"xread", "STREAMS", "a", "0"}};
  for (const auto& args : requests) {
    const Command& command = *table.Find(args[0]);
    const AclVerdict a = one.Check(command, args);
    const AclVerdict b = other.Check(command, args);
    if (a.reason != b.reason || a.argument != b.argument) return false;
  }
  return one.Describe() == other.Describe();
}

void TakeAsFile(const CommandTable& table, std::string_view text) {
  AclUsers users(table);
  auto parsed = users.ParseFile(text, "users.acl");
  if (!parsed) {
    HEARTH_ASSERT(!parsed.error().message.empty());
    return;
  }
  users.ReplaceAll(std::move(*parsed));
  std::string written;
  for (const std::string& line : users.Lines()) written += line + "\n";
  AclUsers again(table);
  auto reread = again.ParseFile(written, "users.acl");
  HEARTH_ASSERT(reread.has_value());
  again.ReplaceAll(std::move(*reread));
  HEARTH_ASSERT(again.all().size() == users.all().size());
  for (const auto& [name, user] : users.all()) {
    HEARTH_ASSERT(again.Find(name) != nullptr && HaveTheSameRights(table, *user, *again.Find(name)));
  }
}

void TakeAsRules(const CommandTable& table, std::string_view text) {
  AclUsers users(table);
  users.set_new_users_have_all_channels(!text.empty() && text[0] % 2 == 0);
  for (const std::string& line : Split(text, '\n')) {
    auto changed = users.Changed("alice", Split(line, '\0'));
    if (!changed) {
      HEARTH_ASSERT(!changed.error().message.empty());
      continue;
    }
    const AclUser& user = users.Store(std::move(*changed));
    auto reread = AclUsers(table).ParseLine(Split("alice " + user.Describe(), ' '));
    HEARTH_ASSERT(reread.has_value() && HaveTheSameRights(table, user, *reread));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const CommandTable table;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  TakeAsFile(table, text);
  TakeAsRules(table, text);
  return 0;
}
