// Any bytes as an ACL file, as rules of ACL SETUSER and as a line of a configuration: either an error with a
// text, or users who, written down and read again, are the same users with the same rights. What they take
// stays in proportion to what was said.
//
// The first byte chooses the way; lines of rules are separated by newlines, and rules by zero bytes.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "base/text.h"
#include "engine/acl_users.h"
#include "engine/command_table.h"
#include "fuzz_input.h"

namespace hearth::engine {
namespace {

using Words = std::vector<std::string>;

Words Split(std::string_view text, char at) {
  Words pieces;
  for (;;) {
    const size_t end = text.find(at);
    pieces.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) return pieces;
    text.remove_prefix(end + 1);
  }
}

// Requests of every shape: no key, one key, many keys, channels, first arguments, subcommands.
constexpr const char* kRequests[] = {"ping",
                                     "get a",
                                     "get ab",
                                     "get )",
                                     "set ab v",
                                     "set a) v",
                                     "mset a v b v",
                                     "publish a m",
                                     "psubscribe a*",
                                     "subscribe a",
                                     "select 0",
                                     "select x)",
                                     "copy a ab",
                                     "flushall",
                                     "sort a BY b*",
                                     "keys *",
                                     "xread STREAMS a 0",
                                     "config get x",
                                     "acl whoami",
                                     "zunion 2 a b",
                                     "object help",
                                     "eval x 1 a",
                                     "getex a",
                                     "bitfield a GET u8 0",
                                     "client list",
                                     "config set a b",
                                     "spublish a m",
                                     "auth x",
                                     "memory usage a",
                                     "georadius a 0 0 1 m STORE b"};

struct Requests {
  explicit Requests(const CommandTable& table) {
    for (const char* line : kRequests) {
      words.push_back(Split(line, ' '));
      Command* command = table.Find(words.back()[0]);
      if (!command->subcommands.empty()) command = table.FindSubcommand(*command, words.back()[1]);
      commands.push_back(command);
    }
  }
  std::vector<Words> words;
  std::vector<const Command*> commands;
};

void MustBeTheSame(const Requests& requests, const AclUser& one, const AclUser& other) {
  HEARTH_ASSERT(one.name() == other.name());
  HEARTH_ASSERT(one.Describe() == other.Describe());
  for (size_t i = 0; i < requests.words.size(); ++i) {
    const std::vector<std::string_view> args(requests.words[i].begin(), requests.words[i].end());
    const AclVerdict a = one.Check(*requests.commands[i], args);
    const AclVerdict b = other.Check(*requests.commands[i], args);
    HEARTH_ASSERT(a.reason == b.reason && a.argument == b.argument);
    HEARTH_ASSERT(one.MayReadAllKeys(*requests.commands[i], args) ==
                  other.MayReadAllKeys(*requests.commands[i], args));
  }
}

// Through an ACL file, and through lines of a configuration.
void GoRound(const Requests& requests, const CommandTable& table, const AclUsers& users) {
  std::string file;
  for (const std::string& line : users.Lines()) file += line + "\n";
  AclUsers again(table);
  auto reread = again.ParseFile(file, "users.acl");
  HEARTH_ASSERT(reread.has_value());
  again.ReplaceAll(std::move(*reread));
  HEARTH_ASSERT(again.all().size() == users.all().size());
  for (const auto& [name, user] : users.all()) {
    HEARTH_ASSERT(again.Find(name) != nullptr);
    MustBeTheSame(requests, *user, *again.Find(name));
  }
  for (const std::string& line : users.ConfigurationLines()) {
    const auto words = SplitArguments(line);
    HEARTH_ASSERT(words && words->size() > 1 && words->front() == "user");
    const auto user = again.ParseLine(std::span(*words).subspan(1));
    HEARTH_ASSERT(user.has_value() && users.Find(user->name()) != nullptr);
    MustBeTheSame(requests, *users.Find(user->name()), *user);
  }
}

// A password of one letter is kept as a hash of 64, and a selector has a few words of its own.
void MustBeBounded(const AclUsers& users, size_t input_size) {
  size_t size = 0;
  for (const std::string& line : users.Lines()) size += line.size();
  HEARTH_ASSERT(size <= 100 * (input_size + users.all().size() * 2));
}

void TakeAsFile(const Requests& requests, const CommandTable& table, std::string_view text) {
  AclUsers users(table);
  auto parsed = users.ParseFile(text, "users.acl");
  if (!parsed) return HEARTH_ASSERT(!parsed.error().message.empty());
  users.ReplaceAll(std::move(*parsed));
  MustBeBounded(users, text.size());
  GoRound(requests, table, users);
}

void TakeAsRules(const Requests& requests, const CommandTable& table, std::string_view text,
                 bool all_channels) {
  AclUsers users(table);
  users.set_new_users_have_all_channels(all_channels);
  for (const std::string& line : Split(text, '\n')) {
    const Words rules = Split(line, '\0');
    if (!AclUsers::CheckName(rules[0])) continue;
    const AclUser* known = users.Find(rules[0]);
    const std::string before = known != nullptr ? known->Describe() : "";
    auto changed = users.Changed(rules[0], std::span(rules).subspan(1));
    if (changed) {
      users.Store(std::move(*changed));
      continue;
    }
    HEARTH_ASSERT(!changed.error().message.empty());
    HEARTH_ASSERT(users.Find(rules[0]) == known && (known == nullptr || known->Describe() == before));
  }
  MustBeBounded(users, text.size());
  GoRound(requests, table, users);
}

void TakeAsLine(const Requests& requests, const CommandTable& table, std::string_view text) {
  const auto words = SplitArguments(text);
  if (!words || words->empty()) return;
  AclUsers users(table);
  auto user = users.ParseLine(*words);
  if (!user) return HEARTH_ASSERT(!user.error().message.empty());
  users.Store(std::move(*user));
  GoRound(requests, table, users);
}

void RunOne(FuzzInput input) {
  static const CommandTable table;
  static const Requests requests(table);
  const uint8_t choice = input.Byte();
  switch (choice % 4) {
    case 0:
      return TakeAsFile(requests, table, input.Rest());
    case 1:
      return TakeAsLine(requests, table, input.Rest());
    default:
      return TakeAsRules(requests, table, input.Rest(), choice % 4 == 2);
  }
}

}  // namespace
}  // namespace hearth::engine

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  hearth::engine::RunOne(hearth::FuzzInput(data, size));
  return 0;
}
