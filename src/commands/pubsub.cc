// SUBSCRIBE, PUBLISH and their kin.

#include <algorithm>
#include <string>
#include <vector>

#include "commands/help.h"
#include "commands/register.h"
#include "commands/subscriptions.h"
#include "engine/engine.h"

namespace hearth::commands {
namespace {

using engine::Client;
using engine::Context;
using Kind = engine::PubSub::Kind;

// The words of a kind's confirmations.
struct Words {
  std::string_view subscribe;
  std::string_view unsubscribe;
};

constexpr Words WordsOf(Kind kind) {
  switch (kind) {
    case Kind::kChannel:
      return {"subscribe", "unsubscribe"};
    case Kind::kPattern:
      return {"psubscribe", "punsubscribe"};
    case Kind::kShardChannel:
      break;
  }
  return {"ssubscribe", "sunsubscribe"};
}

// Channels and patterns are counted together, shard channels by themselves.
size_t CountFor(const Client& client, Kind kind) {
  if (client.subscriptions == nullptr) return 0;
  return kind == Kind::kShardChannel ? client.subscriptions->shard_channels.size()
                                     : client.subscriptions->count();
}

void Confirm(Context& ctx, Kind kind, std::string_view word, const std::string_view* name) {
  resp::Writer& reply = ctx.reply();
  reply.Push(3);
  reply.Bulk(word);
  name != nullptr ? reply.Bulk(*name) : reply.Null();
  reply.Integer(static_cast<int64_t>(CountFor(ctx.client(), kind)));
}

template <Kind kKind>
void Subscribe(Context& ctx) {
  for (size_t i = 1; i < ctx.size(); ++i) {
    const std::string_view name = ctx[i];
    ctx.engine().pubsub().Subscribe(ctx.client(), kKind, name);
    Confirm(ctx, kKind, WordsOf(kKind).subscribe, &name);
  }
  UpdateSubscribedState(ctx.client());
}

std::vector<std::string> NamesOf(const Client& client, Kind kind) {
  if (client.subscriptions == nullptr) return {};
  const engine::SubscriptionState& state = *client.subscriptions;
  const auto& names = kind == Kind::kChannel   ? state.channels
                      : kind == Kind::kPattern ? state.patterns
                                               : state.shard_channels;
  return {names.begin(), names.end()};
}

template <Kind kKind>
void Unsubscribe(Context& ctx) {
  std::vector<std::string> all;
  std::vector<std::string_view> names;
  if (ctx.size() > 1) {
    names.assign(ctx.args().begin() + 1, ctx.args().end());
  } else {
    all = NamesOf(ctx.client(), kKind);
    names.assign(all.begin(), all.end());
  }
  for (const std::string_view& name : names) {
    ctx.engine().pubsub().Unsubscribe(ctx.client(), kKind, name);
    Confirm(ctx, kKind, WordsOf(kKind).unsubscribe, &name);
  }
  // Nothing to end is confirmed too, so that every call has an answer.
  if (names.empty()) Confirm(ctx, kKind, WordsOf(kKind).unsubscribe, nullptr);
  UpdateSubscribedState(ctx.client());
}

void ReplyReceivers(Context& ctx, size_t receivers) {
  ++ctx.engine().stats().pubsub_published;
  // Replicas have subscribers of their own.
  if (ctx.effects().wanted()) ctx.effects().Replace(ctx.args());
  ctx.reply().Integer(static_cast<int64_t>(receivers));
}

void Publish(Context& ctx) { ReplyReceivers(ctx, ctx.engine().pubsub().Publish(ctx[1], ctx[2])); }

void ShardPublish(Context& ctx) { ReplyReceivers(ctx, ctx.engine().pubsub().PublishShard(ctx[1], ctx[2])); }

template <Kind kKind>
void Channels(Context& ctx) {
  if (ctx.size() > 3) return SubcommandSyntaxError(ctx);
  const auto pattern = ctx.size() == 3 ? std::optional(ctx[2]) : std::nullopt;
  const auto names = ctx.engine().pubsub().Channels(kKind, pattern);
  ctx.reply().Array(names.size());
  for (std::string_view name : names) ctx.reply().Bulk(name);
}

template <Kind kKind>
void ListenerCounts(Context& ctx) {
  ctx.reply().Array((ctx.size() - 2) * 2);
  for (size_t i = 2; i < ctx.size(); ++i) {
    ctx.reply().Bulk(ctx[i]);
    ctx.reply().Integer(static_cast<int64_t>(ctx.engine().pubsub().ListenerCount(kKind, ctx[i])));
  }
}

void PatternCount(Context& ctx) {
  ctx.reply().Integer(static_cast<int64_t>(ctx.engine().pubsub().pattern_count()));
}

}  // namespace

void RegisterPubSub(engine::CommandTable& table) {
  table.Bind("subscribe", engine::MakeHandler<&Subscribe<Kind::kChannel>>());
  table.Bind("psubscribe", engine::MakeHandler<&Subscribe<Kind::kPattern>>());
  table.Bind("ssubscribe", engine::MakeHandler<&Subscribe<Kind::kShardChannel>>());
  table.Bind("unsubscribe", engine::MakeHandler<&Unsubscribe<Kind::kChannel>>());
  table.Bind("punsubscribe", engine::MakeHandler<&Unsubscribe<Kind::kPattern>>());
  table.Bind("sunsubscribe", engine::MakeHandler<&Unsubscribe<Kind::kShardChannel>>());
  table.Bind("publish", engine::MakeHandler<&Publish>());
  table.Bind("spublish", engine::MakeHandler<&ShardPublish>());
  table.Bind("pubsub|channels", engine::MakeHandler<&Channels<Kind::kChannel>>());
  table.Bind("pubsub|shardchannels", engine::MakeHandler<&Channels<Kind::kShardChannel>>());
  table.Bind("pubsub|numsub", engine::MakeHandler<&ListenerCounts<Kind::kChannel>>());
  table.Bind("pubsub|shardnumsub", engine::MakeHandler<&ListenerCounts<Kind::kShardChannel>>());
  table.Bind("pubsub|numpat", engine::MakeHandler<&PatternCount>());
  table.Bind("pubsub|help", engine::MakeHandler<&Help>());
}

}  // namespace hearth::commands
