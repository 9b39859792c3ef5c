// Parts of a set: random members, taken or only looked at, and SSCAN.
#include <algorithm>
#include <vector>

#include "commands/element_reply.h"
#include "commands/element_scan.h"
#include "commands/sets.h"
#include "engine/context.h"
#include "keyspace/set_value.h"

namespace hearth::commands {
namespace {

using engine::Context;
using engine::Entry;
using engine::Key;
using engine::Type;
using engine::WriteHandle;
using keyspace::Element;
using keyspace::SetReader;
using keyspace::SetValue;

void SPopOne(Context& ctx) {
  const Key key = ctx.key(1);
  WriteHandle handle = ctx.FindForWrite(key);
  if (!handle) return ctx.reply().Null();
  if (!ctx.CheckType(&*handle, Type::kSet)) return;
  const Element member = SetReader(*handle).Random(ctx.random());
  ReplyElement(ctx.reply(), member);
  ds::NumberBuffer digits;
  ctx.effects().Replace({"SREM", key.text, member.View(digits)});
  SetValue(handle).RemoveDrawn({member});
  ctx.Notify(settings::kNotifySet, "spop", key.text);
}

void SPopAll(Context& ctx, WriteHandle& handle) {
  const Key key = ctx.key(1);
  const SetReader set(*handle);
  const size_t length = set.Length();
  ctx.reply().Set(length);
  set.ForEach([&](const Element& member) { ReplyElement(ctx.reply(), member); });
  ctx.Notify(settings::kNotifySet, "spop", key.text);
  handle.Release();
  const bool is_lazy = ctx.settings().lazyfree_lazy_server_del;
  ctx.db().Remove(key, is_lazy);
  ctx.keyspace().CountChanges(length - 1);
  ctx.Notify(settings::kNotifyGeneric, "del", key.text);
  ctx.effects().Replace({is_lazy ? "UNLINK" : "DEL", key.text});
}

// The removal as SREM commands of a bounded length.
void PassOnRemoval(Context& ctx, std::string_view key, const std::vector<Element>& members) {
  constexpr size_t kMaxMembers = 1024;
  if (!ctx.effects().wanted()) return;
  for (size_t start = 0; start < members.size(); start += kMaxMembers) {
    const size_t count = std::min(kMaxMembers, members.size() - start);
    std::vector<ds::NumberBuffer> digits(count);
    std::vector<std::string_view> words = {"SREM", key};
    for (size_t i = 0; i < count; ++i) words.push_back(members[start + i].View(digits[i]));
    ctx.effects().Replace(words);
  }
}

void SPopSeveral(Context& ctx) {
  const auto count = ctx.IntegerIn(2, 0, INT64_MAX, "ERR value is out of range, must be positive");
  if (!count) return;
  const Key key = ctx.key(1);
  WriteHandle handle = ctx.FindForWrite(key);
  if (!handle) return ctx.reply().Set(0);
  if (!ctx.CheckType(&*handle, Type::kSet)) return;
  if (*count == 0) return ctx.reply().Set(0);
  const SetReader set(*handle);
  if (static_cast<uint64_t>(*count) >= set.Length()) return SPopAll(ctx, handle);
  ctx.Notify(settings::kNotifySet, "spop", key.text);
  const std::vector<Element> members = set.DrawDistinct(ctx.random(), static_cast<size_t>(*count));
  ctx.reply().Set(members.size());
  for (const Element& member : members) ReplyElement(ctx.reply(), member);
  PassOnRemoval(ctx, key.text, members);
  SetValue(handle).RemoveDrawn(members);
}

void SPop(Context& ctx) {
  if (ctx.size() > 3) return ctx.SyntaxError();
  ctx.size() == 3 ? SPopSeveral(ctx) : SPopOne(ctx);
}

void SRandMember(Context& ctx) {
  if (ctx.size() > 3) return ctx.SyntaxError();
  resp::Writer& reply = ctx.reply();
  if (ctx.size() == 2) {
    const Entry* entry = ctx.FindForRead(ctx.key(1));
    if (entry == nullptr) return reply.Null();
    if (!ctx.CheckType(entry, Type::kSet)) return;
    return ReplyElement(reply, SetReader(*entry).Random(ctx.random()));
  }
  const auto count = ctx.IntegerIn(2, -INT64_MAX, INT64_MAX);
  if (!count) return;
  const Entry* entry = ctx.FindForRead(ctx.key(1));
  if (!ctx.CheckType(entry, Type::kSet)) return;
  if (entry == nullptr || *count == 0) return reply.Array(0);
  const SetReader set(*entry);
  if (*count < 0) {
    const auto draws = static_cast<uint64_t>(-*count);
    reply.Array(draws);
    // A client that has been closed for its output limit must not keep the engine filling its buffer.
    set.Draw(ctx.random(), draws, [&](const Element& member) {
      ReplyElement(reply, member);
      return !ctx.client().is(engine::Client::kClosing);
    });
  } else if (static_cast<uint64_t>(*count) >= set.Length()) {
    reply.Array(set.Length());
    set.ForEach([&](const Element& member) { ReplyElement(reply, member); });
  } else {
    reply.Array(static_cast<size_t>(*count));
    for (const Element& member : set.DrawDistinct(ctx.random(), static_cast<size_t>(*count))) {
      ReplyElement(reply, member);
    }
  }
}

void SScan(Context& ctx) {
  auto cursor = ParseScanCursor(ctx, 2);
  if (!cursor) return;
  const Entry* entry = ctx.FindForRead(ctx.key(1));
  if (entry == nullptr) return ReplyScanHead(ctx.reply(), 0, 0);
  if (!ctx.CheckType(entry, Type::kSet)) return;
  const auto options = ParseScanOptions(ctx, 3, ScanKind::kElements);
  if (!options) return;
  const auto found = CollectScan<Element>(*cursor, *options, [&](uint64_t from, auto&& take) {
    return SetReader(*entry).Scan(from, [&](const Element& member) {
      ds::NumberBuffer digits;
      take(member.View(digits), member);
    });
  });
  ReplyScanHead(ctx.reply(), *cursor, found.size());
  for (const Element& member : found) ReplyElement(ctx.reply(), member);
}

}  // namespace

void RegisterSetSampling(engine::CommandTable& table) {
  table.Bind("spop", engine::MakeHandler<&SPop>());
  table.Bind("srandmember", engine::MakeHandler<&SRandMember>());
  table.Bind("sscan", engine::MakeHandler<&SScan>());
}

}  // namespace hearth::commands
