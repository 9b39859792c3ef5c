// Intersections, unions and differences of sets, replied, counted or stored.
#include <algorithm>
#include <optional>
#include <vector>

#include "commands/element_reply.h"
#include "commands/sets.h"
#include "engine/context.h"
#include "keyspace/set_value.h"

namespace hearth::commands {
namespace {

using engine::Context;
using engine::Entry;
using engine::Key;
using engine::Type;
using keyspace::Element;
using keyspace::SetContents;
using keyspace::SetReader;
using keyspace::SetValue;

// The sets under some of the arguments; a missing key gives nothing.
using Sources = std::vector<std::optional<SetReader>>;

// False if one of them is no set, which has been replied then.
bool FindSources(Context& ctx, size_t first, size_t count, Sources& sources) {
  sources.reserve(count);
  for (size_t i = first; i < first + count; ++i) {
    const Entry* entry = ctx.FindForRead(ctx.key(i));
    if (!ctx.CheckType(entry, Type::kSet)) return false;
    sources.push_back(entry == nullptr ? std::nullopt : std::optional<SetReader>(*entry));
  }
  return true;
}

size_t LengthOf(const std::optional<SetReader>& set) { return set ? set->Length() : 0; }

// Gives argument 1 the result, under which it may have been a source until now.
void Store(Context& ctx, SetContents result, std::string_view event) {
  const Key key = ctx.key(1);
  const size_t length = result.Length();
  const bool was_there = ctx.db().Remove(key, ctx.settings().lazyfree_lazy_server_del);
  if (length > 0) {
    SetValue::Store(ctx.db(), key, std::move(result));
    ctx.Notify(settings::kNotifySet, event, key.text);
  } else if (was_there) {
    ctx.Notify(settings::kNotifyGeneric, "del", key.text);
  }
  ctx.reply().Integer(static_cast<int64_t>(length));
}

// `visit(member)` for all that are in every source, until it gives false.
template <typename Visit>
void Intersect(Sources sources, Visit&& visit) {
  // The smallest set is gone through, and the next smallest ones refuse most.
  std::stable_sort(sources.begin(), sources.end(),
                   [](const auto& a, const auto& b) { return LengthOf(a) < LengthOf(b); });
  if (LengthOf(sources.front()) == 0) return;
  sources.front()->ForEachWhile([&](const Element& member) {
    for (size_t i = 1; i < sources.size(); ++i) {
      if (!sources[i]->Has(member)) return true;
    }
    return visit(member);
  });
}

void SInter(Context& ctx) {
  Sources sources;
  if (!FindSources(ctx, 1, ctx.size() - 1, sources)) return;
  resp::Writer& reply = ctx.reply();
  const auto deferred = reply.DeferSet();
  size_t count = 0;
  Intersect(std::move(sources), [&](const Element& member) {
    ReplyElement(reply, member);
    ++count;
    return true;
  });
  reply.Finish(deferred, count);
}

void SInterStore(Context& ctx) {
  Sources sources;
  if (!FindSources(ctx, 2, ctx.size() - 2, sources)) return;
  SetContents result(ctx.keyspace());
  Intersect(std::move(sources), [&](const Element& member) {
    result.Add(member);
    return true;
  });
  Store(ctx, std::move(result), "sinterstore");
}

void SInterCard(Context& ctx) {
  const auto key_count = ctx.IntegerIn(1, 1, INT64_MAX, "ERR numkeys should be greater than 0");
  if (!key_count) return;
  if (static_cast<uint64_t>(*key_count) > ctx.size() - 2) {
    return ctx.Error("ERR Number of keys can't be greater than number of args");
  }
  uint64_t limit = 0;
  for (size_t i = 2 + static_cast<size_t>(*key_count); i < ctx.size(); i += 2) {
    if (!ctx.Is(i, "limit") || i + 1 == ctx.size()) return ctx.SyntaxError();
    const auto given = ctx.IntegerIn(i + 1, 0, INT64_MAX, "ERR LIMIT can't be negative");
    if (!given) return;
    limit = static_cast<uint64_t>(*given);
  }
  Sources sources;
  if (!FindSources(ctx, 2, static_cast<size_t>(*key_count), sources)) return;
  uint64_t count = 0;
  Intersect(std::move(sources), [&](const Element&) { return ++count != limit; });
  ctx.reply().Integer(static_cast<int64_t>(count));
}

SetContents Unite(Context& ctx, const Sources& sources) {
  SetContents result(ctx.keyspace());
  for (const auto& set : sources) {
    if (set) set->ForEach([&](const Element& member) { result.Add(member); });
  }
  return result;
}

// Two ways: to ask all other sets about each member of the first, or to take the members of all others out of
// a copy of the first. Whichever has less to do, with an advantage for the first, which ends early and copies
// less.
SetContents Subtract(Context& ctx, Sources sources) {
  SetContents result(ctx.keyspace());
  const size_t first_length = LengthOf(sources.front());
  if (first_length == 0) return result;
  size_t total = 0;
  size_t existing = 0;
  for (const auto& set : sources) {
    total += LengthOf(set);
    existing += set.has_value();
  }
  if (first_length * existing / 2 <= total) {
    // Large sets are more likely to have the member.
    std::stable_sort(sources.begin() + 1, sources.end(),
                     [](const auto& a, const auto& b) { return LengthOf(a) > LengthOf(b); });
    sources.front()->ForEach([&](const Element& member) {
      for (size_t i = 1; i < sources.size(); ++i) {
        if (sources[i] && sources[i]->Has(member)) return;
      }
      result.Add(member);
    });
    return result;
  }
  sources.front()->ForEach([&](const Element& member) { result.Add(member); });
  for (size_t i = 1; i < sources.size() && result.Length() > 0; ++i) {
    if (!sources[i]) continue;
    sources[i]->ForEach([&](const Element& member) {
      ds::NumberBuffer digits;
      result.Remove(member.View(digits));
    });
  }
  return result;
}

void ReplySet(Context& ctx, const SetReader& set) {
  ctx.reply().Set(set.Length());
  set.ForEach([&](const Element& member) { ReplyElement(ctx.reply(), member); });
}

void ReplySet(Context& ctx, const SetContents& contents) {
  ReplySet(ctx, SetReader(contents.encoding(), contents.container()));
}

void SUnion(Context& ctx) {
  Sources sources;
  if (!FindSources(ctx, 1, ctx.size() - 1, sources)) return;
  if (sources.size() == 1 && sources[0]) return ReplySet(ctx, *sources[0]);
  ReplySet(ctx, Unite(ctx, sources));
}

void SUnionStore(Context& ctx) {
  Sources sources;
  if (!FindSources(ctx, 2, ctx.size() - 2, sources)) return;
  Store(ctx, Unite(ctx, sources), "sunionstore");
}

void SDiff(Context& ctx) {
  Sources sources;
  if (!FindSources(ctx, 1, ctx.size() - 1, sources)) return;
  ReplySet(ctx, Subtract(ctx, std::move(sources)));
}

void SDiffStore(Context& ctx) {
  Sources sources;
  if (!FindSources(ctx, 2, ctx.size() - 2, sources)) return;
  Store(ctx, Subtract(ctx, std::move(sources)), "sdiffstore");
}

}  // namespace

void RegisterSetOperations(engine::CommandTable& table) {
  table.Bind("sinter", engine::MakeHandler<&SInter>());
  table.Bind("sinterstore", engine::MakeHandler<&SInterStore>());
  table.Bind("sintercard", engine::MakeHandler<&SInterCard>());
  table.Bind("sunion", engine::MakeHandler<&SUnion>());
  table.Bind("sunionstore", engine::MakeHandler<&SUnionStore>());
  table.Bind("sdiff", engine::MakeHandler<&SDiff>());
  table.Bind("sdiffstore", engine::MakeHandler<&SDiffStore>());
}

}  // namespace hearth::commands
