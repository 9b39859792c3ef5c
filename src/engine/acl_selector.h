// One set of rights: commands, keys and channels that go together. A user has one, and further ones in
// parentheses.
//
// A rule changes the set ("+get", "~cache:*", "resetchannels"); the texts of errors are those that users of
// ACL SETUSER know from Redis. A value: engine thread, or whoever owns a copy.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/acl_commands.h"
#include "engine/key_positions.h"

namespace hearth::engine {

// How a request fails, in order of how far the check came.
enum class AclReason : uint8_t { kNone, kCommand, kKey, kAuth, kChannel };

struct AclVerdict {
  AclReason reason = AclReason::kNone;
  size_t argument = 0;  // kKey, kChannel: the one refused
  bool is_allowed() const { return reason == AclReason::kNone; }
};

// A request, and where its keys are; those are found once for all selectors.
class AclRequest {
 public:
  AclRequest(const Command& command, std::span<const std::string_view> args) : command(command), args(args) {}
  const std::vector<KeyPosition>& keys();

  const Command& command;
  const std::span<const std::string_view> args;

 private:
  std::vector<KeyPosition> keys_;
  bool has_keys_ = false;
};

class AclSelector {
 public:
  static constexpr uint8_t kRead = 1;
  static constexpr uint8_t kWrite = 2;

  explicit AclSelector(bool has_all_channels) : has_all_channels_(has_all_channels) {}

  // Applies one rule; on an error nothing has changed. The error is the reason alone.
  Status Apply(std::string_view rule, const AclCommands& commands);

  AclVerdict Check(AclRequest& request) const;
  bool may_do_everything() const { return has_all_keys_ && has_all_channels_ && commands_.all(); }
  // Runs the command, and reads every key there is.
  bool MayReadAllKeys(const Command& command, std::span<const std::string_view> args) const;
  // A pattern must be among the rights letter by letter, a channel must match one.
  bool MayUseChannel(std::string_view channel, bool is_pattern) const;

  bool has_all_channels() const { return has_all_channels_; }
  const std::vector<std::string>& channels() const { return channels_; }

  // "+@all -get", "~a %R~b", "&c" or "&*": as ACL GETUSER shows them.
  std::string DescribeCommands() const;
  std::string DescribeKeys() const;
  std::string DescribeChannels() const;
  // All in one line that sets a fresh selector to these rights.
  std::string Describe() const;

 private:
  struct KeyPattern {
    std::string text;
    uint8_t permissions;
  };

  static std::string DescribeKey(const KeyPattern& pattern);
  Status ApplyCommandRule(std::string_view rule, const AclCommands& commands);
  Status AllowFirstArgument(std::string_view name, const AclCommands& commands);
  Status ApplyKeyRule(std::string_view rule);
  Status ApplyChannelRule(std::string_view pattern);
  void SetAllCommands(bool allowed);
  void SetCommands(const CommandSet& set, bool allowed);
  void Remember(std::string_view name, bool allowed);
  bool MayRun(const Command& command, std::span<const std::string_view> args) const;
  bool MayTouch(std::string_view key, uint16_t flags) const;

  CommandSet commands_;
  // First arguments with which a command may run that may not run with others, in lower case.
  std::map<uint16_t, std::vector<std::string>> first_arguments_;
  bool starts_with_all_ = false;    // the command rules begin with +@all
  std::vector<std::string> rules_;  // those after it: "+get", "-@admin"
  bool has_all_keys_ = false;
  std::vector<KeyPattern> keys_;
  bool has_all_channels_;
  std::vector<std::string> channels_;
};

}  // namespace hearth::engine
