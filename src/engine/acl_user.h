// A user: whether and how one may log in as it, and its rights. A value in the set of users (acl_users.h);
// engine thread, or whoever owns a copy.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/acl_selector.h"

namespace hearth::engine {

class AclUser {
 public:
  // Off, without rights; channels as acl-pubsub-default says.
  AclUser(std::string name, bool has_all_channels);

  const std::string& name() const { return name_; }
  bool is_enabled() const { return is_enabled_; }
  bool needs_no_password() const { return needs_no_password_; }
  // One may act as it without logging in.
  bool is_open() const { return is_enabled_ && needs_no_password_; }
  bool sanitizes_payloads() const { return sanitizes_payloads_; }
  const std::vector<std::string>& password_hashes() const { return password_hashes_; }
  // The user's own rights first.
  const std::vector<AclSelector>& selectors() const { return selectors_; }
  bool may_do_everything() const { return may_do_everything_; }

  // Applies one rule, which may be a whole selector in parentheses. On an error nothing has changed; it is
  // the reason alone.
  Status Apply(std::string_view rule, const AclCommands& commands, bool default_all_channels);

  bool IsPassword(std::string_view password) const;

  // One selector must allow all of the request. If none does, the verdict is that of the one that came
  // furthest.
  AclVerdict Check(const Command& command, std::span<const std::string_view> args) const;
  bool MayReadAllKeys(const Command& command, std::span<const std::string_view> args) const;
  bool MayUseChannel(std::string_view channel, bool is_pattern) const;

  std::vector<std::string_view> Flags() const;
  // The rules that make a fresh user this one: "on nopass ~* &* +@all".
  std::string Describe() const;
  // The name and these rules as words of a line in a configuration file, where quotes have a meaning.
  std::string DescribeForConfiguration() const;

 private:
  // True if the rule is one about the user itself.
  Result<bool> ApplyToLogin(std::string_view rule);
  Status ApplyPassword(std::string_view rule);
  Status AddSelector(std::string_view rule, const AclCommands& commands, bool default_all_channels);
  void Reset(bool default_all_channels);

  std::string name_;
  bool is_enabled_ = false;
  bool needs_no_password_ = false;
  bool sanitizes_payloads_ = true;
  bool may_do_everything_ = false;
  std::vector<std::string> password_hashes_;
  std::vector<AclSelector> selectors_;
};

// The words of a user's rules with those of each selector in one: "(~a", "+get)" become "(~a +get)". The
// error is the whole text after its code.
Result<std::vector<std::string>> JoinSelectors(std::span<const std::string> rules);

}  // namespace hearth::engine
