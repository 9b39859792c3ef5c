#include "engine/acl_users.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "base/assert.h"

namespace hearth::engine {
namespace {

constexpr std::string_view kBlanks = " \t\r\n";

std::string_view Trim(std::string_view text) {
  const size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

std::vector<std::string> SplitAtBlanks(std::string_view line) {
  std::vector<std::string> words;
  while (!(line = Trim(line)).empty()) {
    const size_t end = std::min(line.find_first_of(kBlanks), line.size());
    words.emplace_back(line.substr(0, end));
    line.remove_prefix(end);
  }
  return words;
}

}  // namespace

AclUsers::AclUsers(const CommandTable& table) : commands_(table) { default_ = &Store(MakeDefault()); }

AclUser AclUsers::MakeDefault() const {
  AclUser user{std::string(kDefault), true};
  for (const std::string_view rule : {"+@all", "~*", "on", "nopass"}) {
    const Status status = user.Apply(rule, commands_, true);
    HEARTH_ASSERT(status.has_value());
  }
  return user;
}

AclUser* AclUsers::Find(std::string_view name) const {
  const auto found = users_.find(name);
  return found == users_.end() ? nullptr : found->second.get();
}

Status AclUsers::CheckName(std::string_view name) {
  // It could not be written down.
  if (name.empty()) return Fail("Usernames can't be empty");
  const bool is_valid = std::none_of(name.begin(), name.end(), [](unsigned char letter) {
    return letter == 0 || letter == ' ' || (letter >= '\t' && letter <= '\r');
  });
  if (!is_valid) return Fail("Usernames can't contain spaces or null characters");
  return {};
}

Result<AclUser> AclUsers::Changed(std::string_view name, std::span<const std::string> rules) const {
  const Result<std::vector<std::string>> joined = JoinSelectors(rules);
  if (!joined) return std::unexpected(joined.error());
  const AclUser* known = Find(name);
  AclUser user = known != nullptr ? *known : AclUser(std::string(name), has_all_channels_);
  for (const std::string& rule : *joined) {
    if (const Status status = user.Apply(rule, commands_, has_all_channels_); !status) {
      return Fail(fmt::format("Error in ACL SETUSER modifier '{}': {}", rule, status.error().message));
    }
  }
  return user;
}

AclUser& AclUsers::Store(AclUser user) {
  std::unique_ptr<AclUser>& place = users_[user.name()];
  if (place == nullptr) {
    place = std::make_unique<AclUser>(std::move(user));
  } else {
    *place = std::move(user);
  }
  return *place;
}

std::unique_ptr<AclUser> AclUsers::Remove(std::string_view name) {
  const auto found = users_.find(name);
  if (found == users_.end() || found->second.get() == default_) return nullptr;
  std::unique_ptr<AclUser> user = std::move(found->second);
  users_.erase(found);
  return user;
}

void AclUsers::SetDefaultPassword(std::string_view password) {
  Status status = default_->Apply("resetpass", commands_, has_all_channels_);
  HEARTH_ASSERT(status.has_value());
  status = default_->Apply(password.empty() ? "nopass" : ">" + std::string(password), commands_,
                           has_all_channels_);
  HEARTH_ASSERT(status.has_value());
}

AclUser* AclUsers::Authenticate(std::string_view name, std::string_view password) const {
  AclUser* user = Find(name);
  return user != nullptr && user->is_enabled() && user->IsPassword(password) ? user : nullptr;
}

Result<AclUser> AclUsers::ParseLine(std::span<const std::string> words) const {
  HEARTH_ASSERT(!words.empty());
  HEARTH_TRY(CheckName(words[0]));
  const Result<std::vector<std::string>> joined = JoinSelectors(words.subspan(1));
  if (!joined) return std::unexpected(joined.error());
  AclUser user(words[0], has_all_channels_);
  for (const std::string& rule : *joined) {
    if (const Status status = user.Apply(rule, commands_, has_all_channels_); !status) {
      return Fail(fmt::format("'{}': {}", rule, status.error().message));
    }
  }
  return user;
}

Result<std::vector<AclUser>> AclUsers::ParseFile(std::string_view text, const std::string& path) const {
  std::vector<AclUser> users;
  std::set<std::string> names;
  std::string errors;
  for (int number = 1; !text.empty(); ++number) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::vector<std::string> words = SplitAtBlanks(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (words.empty()) continue;
    if (words[0] != "user" || words.size() < 2) {
      errors += fmt::format("{}:{} should start with user keyword followed by the username. ", path, number);
      continue;
    }
    if (!names.insert(words[1]).second) {
      errors += fmt::format("WARNING: Duplicate user '{}' found on line {}. ", words[1], number);
      continue;
    }
    if (!JoinSelectors(std::span(words).subspan(2))) {
      errors += fmt::format("{}:{}: Unmatched parenthesis in selector definition.", path, number);
      continue;
    }
    Result<AclUser> user = ParseLine(std::span(words).subspan(1));
    if (user) {
      users.push_back(std::move(*user));
    } else {
      errors += fmt::format("{}:{}: Error in applying operation {}. ", path, number, user.error().message);
    }
  }
  if (errors.empty()) return users;
  return Fail(errors +
              "WARNING: ACL errors detected, no change to the previously active ACL rules was performed");
}

AclUsers::Map AclUsers::ReplaceAll(std::vector<AclUser> users) {
  Map old = std::exchange(users_, {});
  auto kept = old.extract(std::string(kDefault));
  *kept.mapped() = MakeDefault();
  users_.insert(std::move(kept));
  for (AclUser& user : users) Store(std::move(user));
  return old;
}

std::vector<std::string> AclUsers::Lines() const {
  std::vector<std::string> lines;
  for (const auto& [name, user] : users_) lines.push_back(fmt::format("user {} {}", name, user->Describe()));
  return lines;
}

std::vector<std::string> AclUsers::ConfigurationLines() const {
  std::vector<std::string> lines;
  for (const auto& [name, user] : users_) lines.push_back("user " + user->DescribeForConfiguration());
  return lines;
}

}  // namespace hearth::engine
