#include "commands/client_info.h"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include "engine/acl_user.h"
#include "engine/client_filters.h"
#include "engine/client_limits.h"

namespace hearth::commands {
namespace {

using engine::Client;

std::string Flags(const Client& client) {
  std::string flags;
  const auto add = [&](bool is_set, char letter) {
    if (is_set) flags += letter;
  };
  add(client.is(Client::kReplica), 'S');
  add(client.is(Client::kFromPrimary), 'M');
  add(client.is(Client::kMonitoring), 'O');
  add(engine::TypeOf(client) == engine::ClientType::kPubSub, 'P');
  add(client.in_transaction(), 'x');
  add(client.is(Client::kBlocked), 'b');
  add(client.tracking != nullptr, 't');
  add(client.tracking != nullptr && client.tracking->is_redirect_broken, 'R');
  add(client.tracking != nullptr && client.tracking->is_broadcast, 'B');
  add(client.transaction != nullptr && client.transaction->is_dirty, 'd');
  add(client.is(Client::kClosing), 'c');
  add(client.connection->is_unix_socket(), 'U');
  add(client.is_exempt_from_eviction, 'e');
  add(!client.touches_keys, 'T');
  return flags.empty() ? "N" : flags;
}

// Requests that have been parsed and still hold their arguments.
size_t PendingArgumentBytes(const Client& client) {
  net::Batch* batch = client.connection->outstanding_batch();
  if (batch == nullptr) return 0;
  size_t bytes = 0;
  const auto requests = batch->requests();
  for (size_t i = batch->next; i < requests.size(); ++i) {
    for (std::string_view arg : batch->args(requests[i])) bytes += arg.size();
  }
  return bytes;
}

}  // namespace

std::string DescribeClient(const Client& client, int64_t now_ms) {
  const net::Connection& connection = *client.connection;
  const auto* subscriptions = client.subscriptions.get();
  const size_t unsent = connection.unsent_bytes();
  std::string line;
  const auto out = std::back_inserter(line);
  fmt::format_to(out, "id={} addr={} laddr={} fd={} name={} age={} idle={} flags={} db={}", client.id,
                 connection.peer_address(), connection.local_address(), connection.fd(), client.name,
                 std::max<int64_t>(0, now_ms - client.created_ms) / 1000,
                 std::max<int64_t>(0, now_ms - client.last_interaction_ms) / 1000, Flags(client),
                 client.database);
  fmt::format_to(out, " sub={} psub={} ssub={} multi={} watch={}",
                 subscriptions ? subscriptions->channels.size() : 0,
                 subscriptions ? subscriptions->patterns.size() : 0,
                 subscriptions ? subscriptions->shard_channels.size() : 0,
                 client.in_transaction() ? static_cast<int64_t>(client.transaction->queue.size()) : -1,
                 client.transaction != nullptr ? client.transaction->watched.size() : 0);
  fmt::format_to(out, " qbuf={} qbuf-free={} argv-mem={} multi-mem={}", connection.input_bytes(),
                 connection.input_free_bytes(), PendingArgumentBytes(client),
                 engine::TransactionBytes(client));
  // Replies stand in chunks that are taken from a pool as they are needed: there is no buffer of a fixed
  // size, and omem is what the chunks cost.
  fmt::format_to(out, " rbs=0 rbp=0 obl={} oll=0 omem={} tot-mem={} events={}", unsent,
                 std::max(unsent, connection.output_memory_bytes()), engine::ClientMemoryBytes(client),
                 unsent > 0 ? "rw" : "r");
  fmt::format_to(out, " cmd={} user={} redir={} resp={} lib-name={} lib-ver={}",
                 client.last_command != nullptr ? client.last_command->full_name() : "NULL",
                 client.user != nullptr && !client.is(Client::kFromPrimary)
                     ? std::string_view(client.user->name())
                     : "(superuser)",
                 client.tracking != nullptr ? static_cast<int64_t>(client.tracking->redirect) : -1,
                 client.writer.protocol(), client.library_name, client.library_version);
  return line;
}

}  // namespace hearth::commands
