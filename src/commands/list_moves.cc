// Moving an element from one list to another, or around in one list; the blocking forms wait for it.
#include "commands/block_timeout.h"
#include "commands/element_reply.h"
#include "commands/lists.h"

namespace hearth::commands {
namespace {

using engine::Context;
using engine::Key;
using engine::Type;
using engine::WriteHandle;
using keyspace::ListEnd;
using keyspace::ListReader;
using keyspace::ListValue;

// Moves one element from a list that is not empty to the key that is argument 2, and replies with it. False
// if that key has another type; the error has been replied then.
bool MoveElement(Context& ctx, WriteHandle& source, ListEnd from, ListEnd to) {
  const Key target_key = ctx.key(2);
  const ListReader::Element element = ListReader(*source).Peek(from);
  if (source.key().text == target_key.text) {
    ReplyElement(ctx.reply(), element);
    ListValue(source).Rotate(from, to);
    ctx.Notify(settings::kNotifyList, PushEvent(to), target_key.text);
    ctx.Notify(settings::kNotifyList, PopEvent(from), target_key.text);
    return true;
  }
  WriteHandle target = ctx.FindForWrite(target_key);
  if (!target) {
    target = ListValue::Create(ctx.db(), target_key);
  } else if (!ctx.CheckType(&*target, Type::kList)) {
    return false;
  }
  ReplyElement(ctx.reply(), element);
  ds::NumberBuffer buffer;
  const std::string_view text = element.View(buffer);
  ListValue(target).Push(to, {&text, 1}, false);
  ctx.Notify(settings::kNotifyList, PushEvent(to), target_key.text);
  ListValue(source).Drop(from, 1);
  ctx.Notify(settings::kNotifyList, PopEvent(from), source.key().text);
  return true;
}

void Move(Context& ctx, ListEnd from, ListEnd to) {
  WriteHandle source = ctx.FindForWrite(ctx.key(1));
  if (!source) return ctx.reply().Null();
  if (ctx.CheckType(&*source, Type::kList)) MoveElement(ctx, source, from, to);
}

void LMove(Context& ctx) {
  const auto from = ParseListEnd(ctx, 3);
  if (!from) return;
  const auto to = ParseListEnd(ctx, 4);
  if (to) Move(ctx, *from, *to);
}

void RPopLPush(Context& ctx) { Move(ctx, ListEnd::kTail, ListEnd::kHead); }

// True if the element has been moved; waits if there is none, and replies to what is wrong.
bool MoveOrBlock(Context& ctx, ListEnd from, ListEnd to, int64_t deadline_ms) {
  WriteHandle source = ctx.FindForWrite(ctx.key(1));
  if (source) return ctx.CheckType(&*source, Type::kList) && MoveElement(ctx, source, from, to);
  if (ctx.may_block()) {
    ctx.Block({.keys = {ctx[1]}, .type = Type::kList, .deadline_ms = deadline_ms});
  } else {
    ctx.reply().Null();
  }
  return false;
}

void BLMove(Context& ctx) {
  const auto from = ParseListEnd(ctx, 3);
  if (!from) return;
  const auto to = ParseListEnd(ctx, 4);
  if (!to) return;
  const auto deadline_ms = ParseBlockDeadline(ctx, 5);
  if (deadline_ms && MoveOrBlock(ctx, *from, *to, *deadline_ms)) {
    ctx.effects().Replace({"LMOVE", ctx[1], ctx[2], ctx[3], ctx[4]});
  }
}

void BRPopLPush(Context& ctx) {
  const auto deadline_ms = ParseBlockDeadline(ctx, 3);
  if (deadline_ms && MoveOrBlock(ctx, ListEnd::kTail, ListEnd::kHead, *deadline_ms)) {
    ctx.effects().Replace({"RPOPLPUSH", ctx[1], ctx[2]});
  }
}

}  // namespace

void RegisterListMoves(engine::CommandTable& table) {
  table.Bind("lmove", engine::MakeHandler<&LMove>());
  table.Bind("rpoplpush", engine::MakeHandler<&RPopLPush>());
  table.Bind("blmove", engine::MakeHandler<&BLMove>());
  table.Bind("brpoplpush", engine::MakeHandler<&BRPopLPush>());
}

}  // namespace hearth::commands
