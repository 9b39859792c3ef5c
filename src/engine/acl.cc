#include "engine/acl.h"

#include <algorithm>

#include <fmt/format.h>

namespace hearth::engine {
namespace {

bool HasAllChannels(const AclUser& user) {
  return std::any_of(user.selectors().begin(), user.selectors().end(),
                     [](const AclSelector& one) { return one.has_all_channels(); });
}

// Each pattern that `before` may use is one of `after` too, letter by letter.
bool KeepsChannels(const AclUser& before, const AclUser& after) {
  if (HasAllChannels(after)) return true;
  if (HasAllChannels(before)) return false;
  return std::all_of(before.selectors().begin(), before.selectors().end(), [&](const AclSelector& one) {
    return std::all_of(one.channels().begin(), one.channels().end(),
                       [&](const std::string& pattern) { return after.MayUseChannel(pattern, true); });
  });
}

bool MayStaySubscribed(const SubscriptionState& state, const AclUser& user) {
  const auto may_use = [&](const auto& names, bool are_patterns) {
    return std::all_of(names.begin(), names.end(),
                       [&](const std::string& name) { return user.MayUseChannel(name, are_patterns); });
  };
  return may_use(state.patterns, true) && may_use(state.channels, false) &&
         may_use(state.shard_channels, false);
}

}  // namespace

// ---- clients

void Acl::Use(Client& client, AclUser& user) {
  client.user = &user;
  client.set(Client::kRestricted, !user.may_do_everything());
}

void Acl::Welcome(Client& client) {
  AclUser& user = users_.default_user();
  Use(client, user);
  client.set(Client::kUnauthenticated, !user.is_open());
  if (client.connection != nullptr) client.connection->set_authenticated(user.is_open());
}

bool Acl::LogIn(Client& client, std::string_view name, std::string_view password, std::string_view command,
                int64_t now_ms) {
  AclUser* user = users_.Authenticate(name, password);
  if (user == nullptr) {
    ++denials_.logins;
    log_.Add({.reason = AclReason::kAuth,
              .context = client.in_transaction() ? AclContext::kTransaction : AclContext::kTopLevel,
              .object = std::string(command),
              .user = std::string(name),
              .client = describe_ ? describe_(client) : ""},
             now_ms, static_cast<size_t>(settings_.acllog_max_len));
    return false;
  }
  Use(client, *user);
  client.set(Client::kUnauthenticated, false);
  if (client.connection != nullptr) client.connection->set_authenticated(true);
  return true;
}

// ---- requests

AclVerdict Acl::Check(const Client& client, const Command& command,
                      std::span<const std::string_view> args) const {
  if (client.user == nullptr) return {};
  return client.user->Check(command, args);
}

void Acl::Record(const Client& client, const Command& command, std::span<const std::string_view> args,
                 const AclVerdict& verdict, AclContext context, int64_t now_ms) {
  const bool is_command = verdict.reason == AclReason::kCommand;
  ++(is_command                              ? denials_.commands
     : verdict.reason == AclReason::kChannel ? denials_.channels
                                             : denials_.keys);
  log_.Add({.reason = verdict.reason,
            .context = context,
            .object = std::string(is_command ? command.full_name() : args[verdict.argument]),
            .user = client.user->name(),
            .client = describe_ ? describe_(client) : ""},
           now_ms, static_cast<size_t>(settings_.acllog_max_len));
}

std::string Acl::Explain(const AclUser& user, const Command& command, std::span<const std::string_view> args,
                         const AclVerdict& verdict, bool is_verbose) {
  if (verdict.reason == AclReason::kCommand) {
    return fmt::format("User {} has no permissions to run the '{}' command", user.name(),
                       command.full_name());
  }
  const std::string_view what = verdict.reason == AclReason::kKey ? "key" : "channel";
  if (!is_verbose) return fmt::format("No permissions to access a {}", what);
  return fmt::format("User {} has no permissions to access the '{}' {}", user.name(), args[verdict.argument],
                     what);
}

std::string_view Acl::ExplainInExec(AclReason reason) {
  switch (reason) {
    case AclReason::kCommand:
      return "no permission to execute the command or subcommand";
    case AclReason::kKey:
      return "no permission to touch the specified keys";
    case AclReason::kChannel:
      return "no permission to access one of the channels used as arguments to the command";
    case AclReason::kNone:
    case AclReason::kAuth:
      break;
  }
  return "no permission";
}

// ---- changes of users

Status Acl::SetUser(std::string_view name, std::span<const std::string> rules, Client* caller) {
  HEARTH_TRY(AclUsers::CheckName(name));
  Result<AclUser> changed = users_.Changed(name, rules);
  if (!changed) return std::unexpected(changed.error());
  if (const AclUser* known = users_.Find(name)) CloseSubscribers(*known, *changed, caller);
  MarkClientsOf(users_.Store(std::move(*changed)));
  return {};
}

bool Acl::DeleteUser(std::string_view name, Client* caller) {
  const std::unique_ptr<AclUser> user = users_.Remove(name);
  if (user == nullptr) return false;
  CloseClientsOf(*user, caller);
  return true;
}

Status Acl::LoadFile(std::string_view text, const std::string& path, Client* caller) {
  Result<std::vector<AclUser>> users = users_.ParseFile(text, path);
  if (!users) return std::unexpected(users.error());
  const AclUsers::Map old = users_.ReplaceAll(std::move(*users));
  for (const auto& [name, user] : old) CloseClientsOf(*user, caller);
  MarkClientsOf(users_.default_user());
  return {};
}

Status Acl::LoadLines(std::span<const std::vector<std::string>> lines) {
  for (const std::vector<std::string>& words : lines) {
    Result<AclUser> user = users_.ParseLine(words);
    if (!user) return std::unexpected(user.error());
    users_.Store(std::move(*user));
  }
  return {};
}

void Acl::SetDefaultPassword(std::string_view password) { users_.SetDefaultPassword(password); }

void Acl::RefreshDefaults() {
  users_.set_new_users_have_all_channels(settings_.acl_pubsub_default ==
                                         settings::AclPubsubDefault::kAllchannels);
}

void Acl::MarkClientsOf(const AclUser& user) {
  clients_.ForEach([&](Client& client) {
    if (client.user == &user) client.set(Client::kRestricted, !user.may_do_everything());
  });
}

void Acl::Close(Client& client, const Client* caller) {
  &client == caller ? client.CloseAfterReply() : client.CloseNow();
}

// What they have sent already must not run with the rights that are gone, nor with those of others.
void Acl::CloseClientsOf(const AclUser& user, Client* caller) {
  clients_.ForEach([&](Client& client) {
    if (client.user != &user) return;
    Use(client, users_.default_user());
    client.set(Client::kUnauthenticated, true);
    Close(client, caller);
  });
}

void Acl::CloseSubscribers(const AclUser& before, const AclUser& after, Client* caller) {
  if (KeepsChannels(before, after)) return;
  clients_.ForEach([&](Client& client) {
    if (client.user != &before || client.subscriptions == nullptr) return;
    if (!MayStaySubscribed(*client.subscriptions, after)) Close(client, caller);
  });
}

}  // namespace hearth::engine
