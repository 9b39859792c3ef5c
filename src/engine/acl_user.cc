#include "engine/acl_user.h"

#include <algorithm>

#include "base/text.h"
#include "engine/acl_password.h"

namespace hearth::engine {
namespace {

bool HasQuotes(std::string_view word) { return word.find_first_of("\"'") != std::string_view::npos; }

// The words between blanks, those in quotes that would not be read back as they are: in a selector quotes
// have a meaning, and `)` ends it where it is the last of a word.
template <typename MustQuote>
std::string QuoteWords(std::string_view words, MustQuote&& must_quote) {
  std::string text;
  for (;;) {
    const size_t end = words.find(' ');
    const std::string_view word = words.substr(0, end);
    text += must_quote(word) ? Quote(word) : word;
    if (end == std::string_view::npos) return text;
    text += ' ';
    words.remove_prefix(end + 1);
  }
}

}  // namespace

AclUser::AclUser(std::string name, bool has_all_channels)
    : name_(std::move(name)), selectors_{AclSelector(has_all_channels)} {}

Status AclUser::Apply(std::string_view rule, const AclCommands& commands, bool default_all_channels) {
  if (rule.empty()) return {};
  const Result<bool> is_about_login = ApplyToLogin(rule);
  if (!is_about_login) return std::unexpected(is_about_login.error());
  if (*is_about_login) return {};
  if (EqualsIgnoreCase(rule, "reset")) {
    Reset(default_all_channels);
  } else if (EqualsIgnoreCase(rule, "clearselectors")) {
    selectors_.erase(selectors_.begin() + 1, selectors_.end());
  } else if (rule.starts_with('(') && rule.ends_with(')')) {
    HEARTH_TRY(AddSelector(rule, commands, default_all_channels));
  } else {
    HEARTH_TRY(selectors_.front().Apply(rule, commands));
  }
  may_do_everything_ = std::any_of(selectors_.begin(), selectors_.end(),
                                   [](const AclSelector& one) { return one.may_do_everything(); });
  return {};
}

Result<bool> AclUser::ApplyToLogin(std::string_view rule) {
  if (EqualsIgnoreCase(rule, "on")) {
    is_enabled_ = true;
  } else if (EqualsIgnoreCase(rule, "off")) {
    is_enabled_ = false;
  } else if (EqualsIgnoreCase(rule, "nopass")) {
    needs_no_password_ = true;
    password_hashes_.clear();
  } else if (EqualsIgnoreCase(rule, "resetpass")) {
    needs_no_password_ = false;
    password_hashes_.clear();
  } else if (EqualsIgnoreCase(rule, "sanitize-payload")) {
    sanitizes_payloads_ = true;
  } else if (EqualsIgnoreCase(rule, "skip-sanitize-payload")) {
    sanitizes_payloads_ = false;
  } else if (std::string_view("><#!").find(rule[0]) != std::string_view::npos) {
    if (Status status = ApplyPassword(rule); !status) return std::unexpected(status.error());
  } else {
    return false;
  }
  return true;
}

// ">password" and "#hash" add, "<password" and "!hash" take away.
Status AclUser::ApplyPassword(std::string_view rule) {
  const bool is_hash = rule[0] == '#' || rule[0] == '!';
  const std::string_view text = rule.substr(1);
  if (is_hash && !IsPasswordHash(text)) {
    return Fail(
        "The password hash must be exactly 64 characters and contain only lowercase hexadecimal characters");
  }
  const std::string hash = is_hash ? std::string(text) : HashPassword(text);
  const auto known = std::find(password_hashes_.begin(), password_hashes_.end(), hash);
  if (rule[0] == '>' || rule[0] == '#') {
    if (known == password_hashes_.end()) password_hashes_.push_back(hash);
    needs_no_password_ = false;
    return {};
  }
  if (known == password_hashes_.end()) {
    return Fail("The password you are trying to remove from the user does not exist");
  }
  password_hashes_.erase(known);
  return {};
}

Status AclUser::AddSelector(std::string_view rule, const AclCommands& commands, bool default_all_channels) {
  AclSelector selector(default_all_channels);
  const auto words = SplitArguments(rule.substr(1, rule.size() - 2));
  if (!words) return Fail("Syntax error");
  for (const std::string& word : *words) HEARTH_TRY(selector.Apply(word, commands));
  selectors_.push_back(std::move(selector));
  return {};
}

void AclUser::Reset(bool default_all_channels) { *this = AclUser(std::move(name_), default_all_channels); }

bool AclUser::IsPassword(std::string_view password) const {
  if (needs_no_password_) return true;
  const std::string hash = HashPassword(password);
  bool is_one = false;
  for (const std::string& known : password_hashes_) is_one |= IsSameHash(known, hash);
  return is_one;
}

AclVerdict AclUser::Check(const Command& command, std::span<const std::string_view> args) const {
  if (may_do_everything_) return {};
  AclRequest request(command, args);
  AclVerdict furthest;
  for (const AclSelector& selector : selectors_) {
    const AclVerdict verdict = selector.Check(request);
    if (verdict.is_allowed()) return verdict;
    if (verdict.reason > furthest.reason ||
        (verdict.reason == furthest.reason && verdict.argument > furthest.argument)) {
      furthest = verdict;
    }
  }
  return furthest;
}

bool AclUser::MayReadAllKeys(const Command& command, std::span<const std::string_view> args) const {
  return std::any_of(selectors_.begin(), selectors_.end(),
                     [&](const AclSelector& one) { return one.MayReadAllKeys(command, args); });
}

bool AclUser::MayUseChannel(std::string_view channel, bool is_pattern) const {
  return std::any_of(selectors_.begin(), selectors_.end(),
                     [&](const AclSelector& one) { return one.MayUseChannel(channel, is_pattern); });
}

std::vector<std::string_view> AclUser::Flags() const {
  std::vector<std::string_view> flags = {is_enabled_ ? "on" : "off"};
  if (needs_no_password_) flags.push_back("nopass");
  flags.push_back(sanitizes_payloads_ ? "sanitize-payload" : "skip-sanitize-payload");
  return flags;
}

std::string AclUser::Describe() const {
  std::string text;
  for (std::string_view flag : Flags()) text.append(text.empty() ? "" : " ").append(flag);
  for (const std::string& hash : password_hashes_) text += " #" + hash;
  text += " " + selectors_.front().Describe();
  const auto must_quote = [](std::string_view word) { return HasQuotes(word) || word.ends_with(')'); };
  for (size_t i = 1; i < selectors_.size(); ++i) {
    text += " (" + QuoteWords(selectors_[i].Describe(), must_quote) + ")";
  }
  return text;
}

std::string AclUser::DescribeForConfiguration() const {
  return QuoteWords(name_ + " " + Describe(), HasQuotes);
}

Result<std::vector<std::string>> JoinSelectors(std::span<const std::string> rules) {
  std::vector<std::string> joined;
  const std::string* start = nullptr;  // of the selector that is still open
  for (const std::string& rule : rules) {
    if (rule.starts_with('(') && !rule.ends_with(')')) {
      // What was open before this begins anew, as it always did.
      if (start == nullptr) joined.emplace_back();
      start = &rule;
      joined.back() = rule;
    } else if (start != nullptr) {
      joined.back() += " " + rule;
      if (rule.ends_with(')')) start = nullptr;
    } else {
      joined.push_back(rule);
    }
  }
  if (start != nullptr) return Fail("Unmatched parenthesis in acl selector starting at '" + *start + "'.");
  return joined;
}

}  // namespace hearth::engine
