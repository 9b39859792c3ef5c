// Sets: adding, removing, moving, asking. Random members and SSCAN are in set_sampling.cc, intersections and
// the like in set_operations.cc.
#include "commands/sets.h"

#include "commands/element_reply.h"
#include "commands/register.h"
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

void SAdd(Context& ctx) {
  const Key key = ctx.key(1);
  const auto members = ctx.args().subspan(2);
  WriteHandle handle = ctx.FindForWrite(key);
  if (!handle) {
    handle = SetValue::Create(ctx.db(), key, members[0], members.size());
  } else {
    if (!ctx.CheckType(&*handle, Type::kSet)) return;
    if (members.size() > 1) SetValue(handle).PrepareFor(members.size());
  }
  SetValue set(handle);
  int64_t added = 0;
  for (const std::string_view member : members) added += set.Add(member);
  if (added > 0) ctx.Notify(settings::kNotifySet, "sadd", key.text);
  ctx.reply().Integer(added);
}

void SRem(Context& ctx) {
  const Key key = ctx.key(1);
  WriteHandle handle = ctx.FindForWrite(key);
  if (!handle) return ctx.reply().Integer(0);
  if (!ctx.CheckType(&*handle, Type::kSet)) return;
  SetValue set(handle);
  int64_t removed = 0;
  for (const std::string_view member : ctx.args().subspan(2)) {
    removed += set.Remove(member);
    if (removed > 0 && set.Length() == 0) break;
  }
  if (removed > 0) ctx.Notify(settings::kNotifySet, "srem", key.text);
  ctx.reply().Integer(removed);
}

void SMove(Context& ctx) {
  const Key from = ctx.key(1);
  const Key to = ctx.key(2);
  const std::string_view member = ctx[3];
  WriteHandle source = ctx.FindForWrite(from);
  if (!source) return ctx.reply().Integer(0);
  if (!ctx.CheckType(&*source, Type::kSet)) return;
  if (from.text == to.text) return ctx.reply().Integer(SetReader(*source).Has(member));
  WriteHandle target = ctx.FindForWrite(to);
  if (target && !ctx.CheckType(&*target, Type::kSet)) return;
  if (!SetValue(source).Remove(member)) return ctx.reply().Integer(0);
  ctx.Notify(settings::kNotifySet, "srem", from.text);
  source.Release();
  if (!target) target = SetValue::Create(ctx.db(), to, member, 1);
  if (SetValue(target).Add(member)) ctx.Notify(settings::kNotifySet, "sadd", to.text);
  ctx.reply().Integer(1);
}

void SIsMember(Context& ctx) {
  const Entry* entry = ctx.FindForRead(ctx.key(1));
  if (!ctx.CheckType(entry, Type::kSet)) return;
  ctx.reply().Integer(entry != nullptr && SetReader(*entry).Has(ctx[2]));
}

void SMIsMember(Context& ctx) {
  const Entry* entry = ctx.FindForRead(ctx.key(1));
  if (!ctx.CheckType(entry, Type::kSet)) return;
  ctx.reply().Array(ctx.size() - 2);
  for (const std::string_view member : ctx.args().subspan(2)) {
    ctx.reply().Integer(entry != nullptr && SetReader(*entry).Has(member));
  }
}

void SCard(Context& ctx) {
  const Entry* entry = ctx.FindForRead(ctx.key(1));
  if (!ctx.CheckType(entry, Type::kSet)) return;
  ctx.reply().Integer(entry == nullptr ? 0 : static_cast<int64_t>(SetReader(*entry).Length()));
}

void SMembers(Context& ctx) {
  const Entry* entry = ctx.FindForRead(ctx.key(1));
  if (!ctx.CheckType(entry, Type::kSet)) return;
  resp::Writer& reply = ctx.reply();
  if (entry == nullptr) return reply.Set(0);
  const SetReader set(*entry);
  reply.Set(set.Length());
  set.ForEach([&](const Element& member) { ReplyElement(reply, member); });
}

}  // namespace

void RegisterSets(engine::CommandTable& table) {
  table.Bind("sadd", engine::MakeHandler<&SAdd>());
  table.Bind("srem", engine::MakeHandler<&SRem>());
  table.Bind("smove", engine::MakeHandler<&SMove>());
  table.Bind("sismember", engine::MakeHandler<&SIsMember>());
  table.Bind("smismember", engine::MakeHandler<&SMIsMember>());
  table.Bind("scard", engine::MakeHandler<&SCard>());
  table.Bind("smembers", engine::MakeHandler<&SMembers>());
  RegisterSetOperations(table);
  RegisterSetSampling(table);
}

}  // namespace hearth::commands
