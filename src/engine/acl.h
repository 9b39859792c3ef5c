// Who may do what: the users, the clients that act as them, and what was refused.
//
// A client whose user may do everything carries no mark, and the pipeline asks nothing about it; others are
// Client::kRestricted. Owned by the engine; engine thread only.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/acl_log.h"
#include "engine/acl_users.h"
#include "engine/clients.h"
#include "settings/settings.h"

namespace hearth::engine {

class Acl {
 public:
  struct Denials {
    uint64_t logins = 0;
    uint64_t commands = 0;
    uint64_t keys = 0;
    uint64_t channels = 0;
  };

  Acl(const CommandTable& table, const Clients& clients, const settings::Settings& settings)
      : settings_(settings), clients_(clients), users_(table) {}

  const AclUsers& users() const { return users_; }
  AclLog& log() { return log_; }
  const Denials& denials() const { return denials_; }
  void ResetDenials() { denials_ = {}; }
  // How ACL LOG describes a client; whoever knows the words of CLIENT LIST sets it.
  void set_describe(std::function<std::string(const Client&)> describe) { describe_ = std::move(describe); }

  // ---- clients

  // As one who has just connected: the default user, logged in if that is open to all.
  void Welcome(Client& client);
  bool MustLogIn(const Client& client) const {
    return client.is(Client::kUnauthenticated) && !users_.default_user().is_open();
  }
  // AUTH and HELLO: false, counted and logged, if the user may not log in so. `command`: as it was sent.
  bool LogIn(Client& client, std::string_view user, std::string_view password, std::string_view command,
             int64_t now_ms);

  // ---- requests

  AclVerdict Check(const Client& client, const Command& command,
                   std::span<const std::string_view> args) const;
  // Counts and logs what was refused.
  void Record(const Client& client, const Command& command, std::span<const std::string_view> args,
              const AclVerdict& verdict, AclContext context, int64_t now_ms);
  // "User bob has no permissions to ...". With `is_verbose` it names the key or channel.
  static std::string Explain(const AclUser& user, const Command& command,
                             std::span<const std::string_view> args, const AclVerdict& verdict,
                             bool is_verbose);
  // For EXEC, in which a right has gone since the command was queued.
  static std::string_view ExplainInExec(AclReason reason);

  // ---- changes of users; what their clients may no longer do is ended

  // The error is the text after "ERR ".
  Status SetUser(std::string_view name, std::span<const std::string> rules, Client* caller);
  // False if there is no such user. Its clients are closed, the caller after its reply.
  bool DeleteUser(std::string_view name, Client* caller);
  // Puts the users of a file in the place of all; clients of any but the default user are closed.
  Status LoadFile(std::string_view text, const std::string& path, Client* caller);
  // "user" lines of the configuration, at start; each line is the words after "user".
  Status LoadLines(std::span<const std::vector<std::string>> lines);
  void SetDefaultPassword(std::string_view password);
  // acl-pubsub-default has changed.
  void RefreshDefaults();

 private:
  void Use(Client& client, AclUser& user);
  void CloseClientsOf(const AclUser& user, Client* caller);
  void CloseSubscribers(const AclUser& before, const AclUser& after, Client* caller);
  void MarkClientsOf(const AclUser& user);
  static void Close(Client& client, const Client* caller);

  const settings::Settings& settings_;
  const Clients& clients_;
  AclUsers users_;
  AclLog log_;
  Denials denials_;
  std::function<std::string(const Client&)> describe_;
};

}  // namespace hearth::engine
