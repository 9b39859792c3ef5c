// Consumer groups: making, changing and removing them, and acknowledging entries.
#include <fmt/format.h>

#include "base/text.h"
#include "commands/help.h"
#include "commands/streams.h"
#include "engine/engine.h"

namespace hearth::commands {
namespace {

using engine::Context;
using engine::Entry;
using engine::Key;
using engine::Type;
using engine::WriteHandle;
using keyspace::Consumer;
using keyspace::ConsumerGroup;
using keyspace::StreamOf;
using keyspace::StreamValue;

void BadSubcommandArguments(Context& ctx) {
  ctx.Error(fmt::format("ERR unknown subcommand or wrong number of arguments for '{}'. Try XGROUP HELP.",
                        ShownName(ctx[1])));
}

// The stream of an XGROUP subcommand, at argument 2; empty, and an error replied, if it is not there.
WriteHandle FindStream(Context& ctx) {
  WriteHandle handle = ctx.FindForWrite(ctx.key(2));
  if (!handle) {
    ctx.Error(
        "ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the "
        "MKSTREAM "
        "option to create an empty stream automatically.");
  } else if (!ctx.CheckType(&*handle, Type::kStream)) {
    return {};
  }
  return handle;
}

// The group named by argument 3; null, and an error replied, if there is none.
ConsumerGroup* FindGroup(Context& ctx, StreamValue& stream) {
  ConsumerGroup* group = stream.FindGroup(ctx[3]);
  if (group == nullptr) {
    ctx.Error(fmt::format("NOGROUP No such consumer group '{}' for key name '{}'", ShownName(ctx[3]),
                          ShownName(ctx[2])));
  }
  return group;
}

struct GroupOptions {
  bool makes_stream = false;
  int64_t entries_read = ConsumerGroup::kUnknownRead;
};

// CREATE's and SETID's options.
std::optional<GroupOptions> ParseGroupOptions(Context& ctx, bool is_create) {
  GroupOptions options;
  for (size_t i = 5; i < ctx.size(); ++i) {
    if (is_create && ctx.Is(i, "mkstream")) {
      options.makes_stream = true;
    } else if (ctx.Is(i, "entriesread") && i + 1 < ctx.size()) {
      const auto read = ctx.Integer(++i);
      if (!read) return std::nullopt;
      if (*read < 0 && *read != ConsumerGroup::kUnknownRead) {
        ctx.Error("ERR value for ENTRIESREAD must be positive or -1");
        return std::nullopt;
      }
      options.entries_read = *read;
    } else {
      BadSubcommandArguments(ctx);
      return std::nullopt;
    }
  }
  return options;
}

void XGroupCreate(Context& ctx) {
  const auto options = ParseGroupOptions(ctx, true);
  if (!options) return;
  WriteHandle handle;
  if (options->makes_stream) {
    handle = ctx.FindForWrite(ctx.key(2));
    if (handle && !ctx.CheckType(&*handle, Type::kStream)) return;
  } else {
    handle = FindStream(ctx);
    if (!handle) return;
  }
  StreamId last_id;
  if (ctx[4] != "$") {
    const auto id = StreamIdArgument(ctx, 4);
    if (!id) return;
    last_id = *id;
  } else if (handle) {
    last_id = StreamOf(*handle).log.last_id();
  }
  if (!handle) handle = StreamValue::Create(ctx.db(), ctx.key(2));
  if (StreamValue(handle).CreateGroup(ctx[3], last_id, options->entries_read) == nullptr) {
    return ctx.Error("BUSYGROUP Consumer Group name already exists");
  }
  ctx.reply().Ok();
  ctx.Notify(settings::kNotifyStream, "xgroup-create", ctx[2]);
}

void XGroupSetId(Context& ctx) {
  const auto options = ParseGroupOptions(ctx, false);
  if (!options) return;
  WriteHandle handle = FindStream(ctx);
  if (!handle) return;
  StreamValue stream(handle);
  ConsumerGroup* group = FindGroup(ctx, stream);
  if (group == nullptr) return;
  const auto id = ctx[4] == "$" ? std::optional(stream->log.last_id()) : StreamBoundArgument(ctx, 4);
  if (!id) return;
  stream.SetGroupId(*group, *id, options->entries_read);
  ctx.reply().Ok();
  ctx.Notify(settings::kNotifyStream, "xgroup-setid", ctx[2]);
}

void XGroupDestroy(Context& ctx) {
  WriteHandle handle = FindStream(ctx);
  if (!handle) return;
  if (!StreamValue(handle).DestroyGroup(ctx[3])) return ctx.reply().Integer(0);
  ctx.reply().Integer(1);
  ctx.Notify(settings::kNotifyStream, "xgroup-destroy", ctx[2]);
  // Those who wait for entries of the group are told that it is gone.
  ctx.engine().blocking().MarkRemoved(ctx.db().index(), ctx[2]);
}

void XGroupCreateConsumer(Context& ctx) {
  WriteHandle handle = FindStream(ctx);
  if (!handle) return;
  StreamValue stream(handle);
  ConsumerGroup* group = FindGroup(ctx, stream);
  if (group == nullptr) return;
  bool is_new = false;
  FindOrCreateConsumer(ctx, stream, *group, ctx[2], ctx[4], &is_new);
  ctx.reply().Integer(is_new);
}

void XGroupDelConsumer(Context& ctx) {
  WriteHandle handle = FindStream(ctx);
  if (!handle) return;
  StreamValue stream(handle);
  ConsumerGroup* group = FindGroup(ctx, stream);
  if (group == nullptr) return;
  Consumer* consumer = group->FindConsumer(ctx[4]);
  if (consumer == nullptr) return ctx.reply().Integer(0);
  ctx.reply().Integer(static_cast<int64_t>(stream.DeleteConsumer(*group, *consumer)));
  ctx.Notify(settings::kNotifyStream, "xgroup-delconsumer", ctx[2]);
}

void XAck(Context& ctx) {
  WriteHandle handle = ctx.FindForWrite(ctx.key(1));
  if (!handle) return ctx.reply().Integer(0);
  if (!ctx.CheckType(&*handle, Type::kStream)) return;
  StreamValue stream(handle);
  ConsumerGroup* group = stream.FindGroup(ctx[2]);
  if (group == nullptr) return ctx.reply().Integer(0);
  for (size_t i = 3; i < ctx.size(); ++i) {
    if (!StreamIdArgument(ctx, i)) return;
  }
  int64_t acknowledged = 0;
  for (size_t i = 3; i < ctx.size(); ++i)
    acknowledged += stream.Acknowledge(*group, *ParseStreamId(ctx[i], 0));
  ctx.reply().Integer(acknowledged);
}

}  // namespace

void RegisterStreamGroups(engine::CommandTable& table) {
  table.Bind("xgroup|create", engine::MakeHandler<&XGroupCreate>());
  table.Bind("xgroup|setid", engine::MakeHandler<&XGroupSetId>());
  table.Bind("xgroup|destroy", engine::MakeHandler<&XGroupDestroy>());
  table.Bind("xgroup|createconsumer", engine::MakeHandler<&XGroupCreateConsumer>());
  table.Bind("xgroup|delconsumer", engine::MakeHandler<&XGroupDelConsumer>());
  table.Bind("xgroup|help", engine::MakeHandler<&Help>());
  table.Bind("xack", engine::MakeHandler<&XAck>());
}

}  // namespace hearth::commands
