#include "engine/tracking.h"

#include <algorithm>
#include <utility>

namespace hearth::engine {
namespace {

// Subscribers of protocol 2 get invalidations as messages of this channel.
constexpr std::string_view kChannel = "__redis__:invalidate";

// What a script has read, its own commands have read.
bool ReadsItsKeys(const Command& command) {
  return command.is(kCommandReadonly) && !command.is(kCommandPubSub) && command.facts->group != "scripting";
}

// Where pushes go, also while the client's replies are being thrown away.
resp::Writer PushWriter(Client& client) {
  resp::OutputBuffer& output =
      client.connection != nullptr ? client.connection->output() : client.writer.output();
  return {output, client.writer.protocol()};
}

// Those of the changes that are not the client's own, as the array that ends a message.
void WriteChanges(resp::Writer& out, const BroadcastPrefixes::Changes& changes, uint64_t without_client_id,
                  size_t count) {
  out.Array(count);
  for (const auto& [key, client_id] : changes) {
    if (without_client_id == 0 || client_id != without_client_id) out.Bulk(key);
  }
}

size_t CountOwn(const BroadcastPrefixes::Changes& changes, uint64_t client_id) {
  return static_cast<size_t>(std::count_if(changes.begin(), changes.end(),
                                           [=](const auto& change) { return change.second == client_id; }));
}

}  // namespace

// ---- who tracks

void Tracking::Enable(Client& client, const TrackingState& wanted) {
  if (client.tracking == nullptr) {
    client.tracking = std::make_unique<TrackingState>();
    client.set(Client::kTracking, true);
    ++client_count_;
  }
  TrackingState& state = *client.tracking;
  state.redirect = wanted.redirect;
  state.is_broadcast = wanted.is_broadcast;
  state.is_opt_in = wanted.is_opt_in;
  state.is_opt_out = wanted.is_opt_out;
  state.skips_own = wanted.skips_own;
  state.is_redirect_broken = false;
  if (Client* receiver = clients_.Find(wanted.redirect)) receiver->set(Client::kRedirectedTo, true);
  if (!wanted.is_broadcast) return;
  const std::set<std::string> everything = {""};
  for (const std::string& prefix : wanted.prefixes.empty() ? everything : wanted.prefixes) {
    if (state.prefixes.insert(prefix).second) prefixes_.Add(prefix, client);
  }
}

void Tracking::Disable(Client& client) {
  if (client.tracking == nullptr) return;
  for (const std::string& prefix : client.tracking->prefixes) prefixes_.Remove(prefix, client);
  client.tracking.reset();
  client.set(Client::kTracking, false);
  if (--client_count_ == 0) keys_.Clear();
}

// ---- what they read

bool Tracking::RemembersReads(const TrackingState& state) const {
  if (state.is_broadcast) return false;
  return state.is_opt_in ? state.is_caching_said : !(state.is_opt_out && state.is_caching_said);
}

void Tracking::RememberKeys(const Command& command, std::span<const std::string_view> args) {
  if (!ReadsItsKeys(command) || !RemembersReads(*caller_->tracking)) return;
  positions_.clear();
  if (!FindKeys(*command.facts, args, positions_)) return;
  for (const KeyPosition& position : positions_) {
    if ((position.flags & kKeyNotKey) == 0) keys_.Add(args[position.index], caller_->id);
  }
  ForgetBeyondLimit(kForgetAfterCommand);
}

void Tracking::EndRequest(Client& client, const Command* command) {
  if (client.tracking == nullptr || !client.tracking->is_caching_said) return;
  // Said before or inside a transaction, it is for all of that.
  if (client.in_transaction() || (client.state & (Client::kBlocked | Client::kPaused)) != 0) return;
  if (command != nullptr && command->facts->container == "client") return;
  client.tracking->is_caching_said = false;
}

// ---- what changes

void Tracking::OnChanged(std::string_view key) {
  if (!any()) return;
  if (prefixes_.size() != 0) prefixes_.NoteChange(key, is_caller_tracking() ? caller_->id : 0);
  Invalidate(key);
}

void Tracking::OnVanished(std::string_view key) {
  if (prefixes_.size() != 0) prefixes_.NoteChange(key, 0);
}

void Tracking::Invalidate(std::string_view key) {
  for (const uint64_t id : keys_.Take(key)) {
    Client* client = clients_.Find(id);
    if (client == nullptr || client->tracking == nullptr || client->tracking->is_broadcast) continue;
    if (client->tracking->skips_own && client == caller_) continue;
    if (MustWait(*client)) {
      pending_.push_back({id, std::string(key)});
    } else {
      SendKey(*client, key);
    }
  }
}

void Tracking::OnFlushed() {
  if (!any()) return;
  keys_.Clear();
  clients_.ForEach([this](Client& client) {
    if (client.tracking == nullptr) return;
    if (MustWait(client)) {
      pending_.push_back({client.id, std::nullopt});
    } else {
      SendAll(client);
    }
  });
}

bool Tracking::ForgetBeyondLimit(int keys) {
  const auto limit = static_cast<uint64_t>(settings_.tracking_table_max_keys);
  if (limit == 0) return false;
  for (; keys_.key_count() > limit; --keys) {
    if (keys == 0) return true;
    Invalidate(std::string(keys_.Random(random_)));
  }
  return false;
}

bool Tracking::Step() {
  keys_.FreeSome();
  if (prefixes_.has_changes()) Broadcast();
  return ForgetBeyondLimit(kForgetInTurn);
}

// ---- messages

// A message in the middle of a reply would break it.
bool Tracking::MustWait(const Client& client) const {
  return caller_ != nullptr && (&client == caller_ || client.tracking->redirect == caller_->id);
}

void Tracking::SendPending() {
  for (const Pending& pending : std::exchange(pending_, {})) {
    Client* client = clients_.Find(pending.client_id);
    // One that has stopped tracking meanwhile still had what changed.
    if (client == nullptr) continue;
    pending.key ? SendKey(*client, *pending.key) : SendAll(*client);
  }
}

Client* Tracking::ReceiverOf(Client& client) {
  if (client.tracking == nullptr || client.tracking->redirect == 0) return &client;
  TrackingState& state = *client.tracking;
  Client* receiver = clients_.Find(state.redirect);
  if (receiver != nullptr && !receiver->is(Client::kClosing)) return receiver;
  state.is_redirect_broken = true;
  if (client.writer.protocol() > 2 && !client.is(Client::kClosing)) {
    resp::Writer out = PushWriter(client);
    out.Push(2);
    out.Bulk("tracking-redir-broken");
    out.Integer(static_cast<int64_t>(state.redirect));
    if (client.connection != nullptr) client.connection->ScheduleWrite();
    if (after_delivery_) after_delivery_(client);
  }
  return nullptr;
}

template <typename Write>
void Tracking::Send(Client& client, Write&& write) {
  Client* receiver = ReceiverOf(client);
  if (receiver == nullptr || receiver->is(Client::kClosing)) return;
  resp::Writer out = PushWriter(*receiver);
  if (out.protocol() > 2) {
    out.Push(2);
    out.Bulk("invalidate");
  } else if (client.tracking != nullptr && client.tracking->redirect != 0 &&
             receiver->is(Client::kSubscribedResp2)) {
    out.Push(3);
    out.Bulk("message");
    out.Bulk(kChannel);
  } else {
    // It has no way to tell a message from a reply.
    return;
  }
  write(out);
  if (receiver->connection != nullptr) receiver->connection->ScheduleWrite();
  if (after_delivery_) after_delivery_(*receiver);
}

void Tracking::SendKey(Client& client, std::string_view key) {
  Send(client, [key](resp::Writer& out) {
    out.Array(1);
    out.Bulk(key);
  });
}

void Tracking::SendAll(Client& client) {
  Send(client, [](resp::Writer& out) { out.Null(); });
}

void Tracking::Broadcast() {
  prefixes_.TakeChanges([this](const std::vector<Client*>& clients, const auto& changes) {
    for (Client* client : clients) {
      const uint64_t without_id = client->tracking->skips_own ? client->id : 0;
      const size_t own = without_id == 0 ? 0 : CountOwn(changes, without_id);
      if (own == changes.size()) continue;
      Send(*client, [&](resp::Writer& out) { WriteChanges(out, changes, without_id, changes.size() - own); });
    }
  });
}

}  // namespace hearth::engine
