// All users, and what is read and written about them: rules of ACL SETUSER, lines of a configuration, ACL
// files.
//
// Owned by the engine's Acl; engine thread only. A user stays where it is until it is deleted, whatever is
// set about it, so that clients may keep pointers.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/acl_user.h"

namespace hearth::engine {

class AclUsers {
 public:
  static constexpr std::string_view kDefault = "default";
  using Map = std::map<std::string, std::unique_ptr<AclUser>, std::less<>>;

  explicit AclUsers(const CommandTable& table);

  AclUser& default_user() { return *default_; }
  const AclUser& default_user() const { return *default_; }
  AclUser* Find(std::string_view name) const;
  // By name.
  const Map& all() const { return users_; }

  // acl-pubsub-default: what users who are made or reset from now on get.
  void set_new_users_have_all_channels(bool on) { has_all_channels_ = on; }

  // What ACL SETUSER would make of the user, known or not. The error is the text after "ERR ".
  Result<AclUser> Changed(std::string_view name, std::span<const std::string> rules) const;
  // Puts it in the place of the one of that name.
  AclUser& Store(AclUser user);
  // Takes out and gives the user; null if there is none. The default user stays.
  std::unique_ptr<AclUser> Remove(std::string_view name);

  // requirepass: the only password of the default user, or none.
  void SetDefaultPassword(std::string_view password);

  // Null if there is no such user, it is off, or the password is wrong.
  AclUser* Authenticate(std::string_view name, std::string_view password) const;

  // The users of an ACL file, or nothing but errors: all that is wrong with it, each with file and line.
  Result<std::vector<AclUser>> ParseFile(std::string_view text, const std::string& path) const;
  // Puts these in the place of all users; gives those who are no more. The default user stays the same
  // object; without a line about it, it may do everything.
  Map ReplaceAll(std::vector<AclUser> users);

  // "user alice on ...", one for each, as an ACL file has them.
  std::vector<std::string> Lines() const;
  // The same for a configuration file, whose words may be quoted.
  std::vector<std::string> ConfigurationLines() const;

  // A line of a configuration without its "user": the name and the rules, which start from nothing.
  // The error is the reason after the rule at fault: "'+foo': Unknown command or category name in ACL".
  Result<AclUser> ParseLine(std::span<const std::string> words) const;

  static Status CheckName(std::string_view name);

 private:
  AclUser MakeDefault() const;

  AclCommands commands_;
  bool has_all_channels_ = false;
  Map users_;
  AclUser* default_;
};

}  // namespace hearth::engine
