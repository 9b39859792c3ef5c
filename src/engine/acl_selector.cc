#include "engine/acl_selector.h"

#include <algorithm>
#include <cctype>

#include "base/text.h"

namespace hearth::engine {
namespace {

constexpr uint8_t kBoth = AclSelector::kRead | AclSelector::kWrite;

constexpr const char* kSyntaxError = "Syntax error";
constexpr const char* kUnknownCommand = "Unknown command or category name in ACL";

bool HasSpaces(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](unsigned char letter) { return std::isspace(letter) != 0 || letter == 0; });
}

// Arguments of a command that name channels to publish to or to listen on.
struct ChannelRange {
  size_t first = 0;
  size_t last = 0;  // 0 for none
  bool are_patterns = false;
};

ChannelRange ChannelsOf(const Command& command, size_t argument_count) {
  if (!command.is(kCommandPubSub)) return {};
  const std::string_view name = command.full_name();
  if (name == "publish" || name == "spublish") return {1, 1};
  if (name == "subscribe" || name == "ssubscribe") return {1, argument_count - 1};
  if (name == "psubscribe") return {1, argument_count - 1, true};
  return {};
}

uint8_t PermissionsFor(uint16_t key_flags) {
  uint8_t permissions = 0;
  if (key_flags & kKeyAccess) permissions |= AclSelector::kRead;
  if (key_flags & (kKeyInsert | kKeyDelete | kKeyUpdate)) permissions |= AclSelector::kWrite;
  return permissions;
}

void AppendWord(std::string& text, std::string_view word) {
  if (!text.empty()) text += ' ';
  text += word;
}

}  // namespace

const std::vector<KeyPosition>& AclRequest::keys() {
  if (!has_keys_) {
    has_keys_ = true;
    // What contradicts the specifications is refused by the command itself; the keys found are checked.
    static_cast<void>(FindKeys(*command.facts, args, keys_));
    std::erase_if(keys_, [](const KeyPosition& key) { return (key.flags & kKeyNotKey) != 0; });
  }
  return keys_;
}

// ---- rules

Status AclSelector::Apply(std::string_view rule, const AclCommands& commands) {
  if (EqualsIgnoreCase(rule, "allkeys") || rule == "~*") {
    has_all_keys_ = true;
    keys_.clear();
  } else if (EqualsIgnoreCase(rule, "resetkeys")) {
    has_all_keys_ = false;
    keys_.clear();
  } else if (EqualsIgnoreCase(rule, "allchannels") || rule == "&*") {
    has_all_channels_ = true;
    channels_.clear();
  } else if (EqualsIgnoreCase(rule, "resetchannels")) {
    has_all_channels_ = false;
    channels_.clear();
  } else if (EqualsIgnoreCase(rule, "allcommands") || EqualsIgnoreCase(rule, "+@all")) {
    SetAllCommands(true);
  } else if (EqualsIgnoreCase(rule, "nocommands") || EqualsIgnoreCase(rule, "-@all")) {
    SetAllCommands(false);
  } else if (rule.starts_with('~') || rule.starts_with('%')) {
    return ApplyKeyRule(rule);
  } else if (rule.starts_with('&')) {
    return ApplyChannelRule(rule.substr(1));
  } else if (rule.starts_with('+') || rule.starts_with('-')) {
    return ApplyCommandRule(rule, commands);
  } else {
    return Fail(kSyntaxError);
  }
  return {};
}

Status AclSelector::ApplyCommandRule(std::string_view rule, const AclCommands& commands) {
  const bool allowed = rule[0] == '+';
  const std::string_view name = rule.substr(1);
  if (name.starts_with('@')) {
    const auto category = AclCommands::FindCategory(name.substr(1));
    if (!category) return Fail(kUnknownCommand);
    SetCommands(commands.InCategory(*category), allowed);
  } else if (const Command* command = commands.Find(name)) {
    SetCommands(AclCommands::WithSubcommands(*command), allowed);
  } else {
    if (!allowed || name.find('|') == std::string_view::npos) return Fail(kUnknownCommand);
    HEARTH_TRY(AllowFirstArgument(name, commands));
  }
  Remember(name, allowed);
  return {};
}

// "select|0": a command without subcommands, and what its first argument must be.
Status AclSelector::AllowFirstArgument(std::string_view name, const AclCommands& commands) {
  const size_t bar = name.rfind('|');
  const Command* command = commands.Find(name.substr(0, bar));
  if (command == nullptr) return Fail(kUnknownCommand);
  const std::string_view argument = name.substr(bar + 1);
  if (command->container != nullptr) return Fail("Allowing first-arg of a subcommand is not supported");
  if (argument.empty() || HasSpaces(argument)) return Fail(kSyntaxError);
  if (!command->subcommands.empty()) return Fail(kUnknownCommand);
  std::vector<std::string>& arguments = first_arguments_[command->id];
  const std::string lower = ToLower(argument);
  if (std::find(arguments.begin(), arguments.end(), lower) == arguments.end()) arguments.push_back(lower);
  return {};
}

Status AclSelector::ApplyKeyRule(std::string_view rule) {
  if (has_all_keys_) {
    return Fail(
        "Adding a pattern after the * pattern (or the 'allkeys' flag) is not valid and does not have any "
        "effect. Try 'resetkeys' to start with an empty list of patterns");
  }
  uint8_t permissions = kBoth;
  std::string_view pattern = rule.substr(1);
  if (rule[0] == '%') {
    const size_t end = pattern.find('~');
    if (end == std::string_view::npos || end == 0) return Fail(kSyntaxError);
    permissions = 0;
    for (const char letter : pattern.substr(0, end)) {
      const uint8_t one = (letter == 'R' || letter == 'r')   ? kRead
                          : (letter == 'W' || letter == 'w') ? kWrite
                                                             : 0;
      if (one == 0 || (permissions & one) != 0) return Fail(kSyntaxError);
      permissions |= one;
    }
    pattern.remove_prefix(end + 1);
  }
  if (HasSpaces(pattern)) return Fail(kSyntaxError);
  const auto known =
      std::find_if(keys_.begin(), keys_.end(), [&](const KeyPattern& key) { return key.text == pattern; });
  if (known != keys_.end()) {
    known->permissions |= permissions;
  } else {
    keys_.push_back({std::string(pattern), permissions});
  }
  return {};
}

Status AclSelector::ApplyChannelRule(std::string_view pattern) {
  if (has_all_channels_) {
    return Fail(
        "Adding a pattern after the * pattern (or the 'allchannels' flag) is not valid and does not have any "
        "effect. Try 'resetchannels' to start with an empty list of channels");
  }
  if (HasSpaces(pattern)) return Fail(kSyntaxError);
  if (std::find(channels_.begin(), channels_.end(), pattern) == channels_.end()) {
    channels_.emplace_back(pattern);
  }
  return {};
}

void AclSelector::SetAllCommands(bool allowed) {
  allowed ? commands_.set() : commands_.reset();
  first_arguments_.clear();
  starts_with_all_ = allowed;
  rules_.clear();
}

void AclSelector::SetCommands(const CommandSet& set, bool allowed) {
  allowed ? commands_ |= set : commands_ &= ~set;
  std::erase_if(first_arguments_, [&](const auto& entry) { return set.test(entry.first); });
}

// The rules are shown in the order in which they were given, but for those that a later one has made
// pointless: one about the same thing, or about subcommands of it.
void AclSelector::Remember(std::string_view name, bool allowed) {
  const std::string lower = ToLower(name);
  std::erase_if(rules_, [&](const std::string& rule) {
    const std::string_view old = std::string_view(rule).substr(1);
    return old.starts_with(lower) && (old.size() == lower.size() || old[lower.size()] == '|');
  });
  rules_.push_back((allowed ? '+' : '-') + lower);
}

// ---- checks

bool AclSelector::MayRun(const Command& command, std::span<const std::string_view> args) const {
  if (commands_.test(command.id) || command.is(kCommandNoAuth)) return true;
  const auto found = first_arguments_.find(command.id);
  if (found == first_arguments_.end() || args.size() < 2) return false;
  return std::any_of(found->second.begin(), found->second.end(),
                     [&](const std::string& argument) { return EqualsIgnoreCase(argument, args[1]); });
}

bool AclSelector::MayTouch(std::string_view key, uint16_t flags) const {
  const uint8_t wanted = PermissionsFor(flags);
  return std::any_of(keys_.begin(), keys_.end(), [&](const KeyPattern& pattern) {
    return (pattern.permissions & wanted) == wanted && GlobMatch(pattern.text, key);
  });
}

bool AclSelector::MayUseChannel(std::string_view channel, bool is_pattern) const {
  return has_all_channels_ ||
         std::any_of(channels_.begin(), channels_.end(), [&](const std::string& pattern) {
           return is_pattern ? pattern == channel : GlobMatch(pattern, channel);
         });
}

AclVerdict AclSelector::Check(AclRequest& request) const {
  if (!MayRun(request.command, request.args)) return {AclReason::kCommand};
  if (!has_all_keys_ && HasKeys(*request.command.facts)) {
    for (const KeyPosition& key : request.keys()) {
      if (!MayTouch(request.args[key.index], key.flags)) return {AclReason::kKey, key.index};
    }
  }
  if (!has_all_channels_) {
    const ChannelRange range = ChannelsOf(request.command, request.args.size());
    for (size_t i = range.first; i <= range.last && range.last != 0; ++i) {
      if (!MayUseChannel(request.args[i], range.are_patterns)) return {AclReason::kChannel, i};
    }
  }
  return {};
}

bool AclSelector::MayReadAllKeys(const Command& command, std::span<const std::string_view> args) const {
  if (!MayRun(command, args)) return false;
  return has_all_keys_ || std::any_of(keys_.begin(), keys_.end(), [](const KeyPattern& pattern) {
           return pattern.text == "*" && (pattern.permissions & kRead) != 0;
         });
}

// ---- texts

std::string AclSelector::DescribeCommands() const {
  std::string text = starts_with_all_ ? "+@all" : "-@all";
  for (const std::string& rule : rules_) AppendWord(text, rule);
  return text;
}

std::string AclSelector::DescribeKey(const KeyPattern& pattern) {
  const std::string_view prefix =
      pattern.permissions == kBoth ? "~" : (pattern.permissions == kRead ? "%R~" : "%W~");
  return std::string(prefix) + pattern.text;
}

std::string AclSelector::DescribeKeys() const {
  if (has_all_keys_) return "~*";
  std::string text;
  for (const KeyPattern& pattern : keys_) AppendWord(text, DescribeKey(pattern));
  return text;
}

std::string AclSelector::DescribeChannels() const {
  if (has_all_channels_) return "&*";
  std::string text;
  for (const std::string& pattern : channels_) AppendWord(text, "&" + pattern);
  return text;
}

std::string AclSelector::Describe() const {
  std::string text;
  if (has_all_keys_) text = DescribeKeys();
  for (const KeyPattern& pattern : keys_) {
    // Not as ~*, behind which no other pattern is taken.
    const bool is_one_of_many = pattern.text == "*" && pattern.permissions == kBoth && keys_.size() > 1;
    AppendWord(text, is_one_of_many ? "%RW~*" : DescribeKey(pattern));
  }
  if (!has_all_channels_) AppendWord(text, "resetchannels");
  const std::string channels = DescribeChannels();
  if (!channels.empty()) AppendWord(text, channels);
  AppendWord(text, DescribeCommands());
  return text;
}

}  // namespace hearth::engine
