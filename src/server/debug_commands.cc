#include "server/debug_commands.h"

#include <string>
#include <string_view>

#include <fmt/format.h>

#include "base/numbers.h"
#include "base/text.h"
#include "keyspace/access.h"

namespace hearth::server {
namespace {

using engine::Context;
using engine::Entry;

void DescribeEntry(Context& ctx) {
  const Entry* entry = ctx.Peek(ctx.key(2));
  if (entry == nullptr) return ctx.Error("ERR no such key");
  // Under an LFU policy the access bits tell no idle time.
  const bool has_idle_time = !keyspace::IsLfuPolicy(ctx.settings());
  ctx.reply().Simple(fmt::format("Value at:{} refcount:1 encoding:{} lru:{} lru_seconds_idle:{}",
                                 static_cast<const void*>(entry), keyspace::EncodingName(entry->encoding()),
                                 entry->access(),
                                 has_idle_time ? keyspace::IdleMs(entry->access(), ctx.now_ms()) / 1000 : 0));
}

void ReplyExampleAggregate(Context& ctx, std::string_view kind) {
  resp::Writer& reply = ctx.reply();
  if (kind == "array") {
    reply.Array(3);
  } else if (kind == "set") {
    reply.Set(3);
  } else {
    reply.Map(3);
  }
  for (int i = 0; i < 3; ++i) {
    reply.Integer(i);
    if (kind == "map") reply.Boolean(i == 1);
  }
}

void ReplyExampleAttribute(Context& ctx) {
  resp::Writer& reply = ctx.reply();
  if (reply.protocol() == 3) {
    reply.Attribute(1);
    reply.Bulk("key-popularity");
    reply.Array(2);
    reply.Bulk("key:123");
    reply.Integer(90);
  }
  reply.Bulk("Some real reply following the attribute");
}

void ReplyExamplePush(Context& ctx) {
  resp::Writer& reply = ctx.reply();
  if (reply.protocol() == 2) return ctx.Error("ERR RESP2 is not supported by this command");
  reply.Push(2);
  reply.Bulk("server-cpu-usage");
  reply.Integer(42);
  reply.Bulk("Some real reply following the push reply");
}

// A reply of the kind that was asked for, with fixed values that tests of clients know.
void ReplyExample(Context& ctx) {
  resp::Writer& reply = ctx.reply();
  const std::string kind = ToLower(ctx[2]);
  if (kind == "string") return reply.Bulk("Hello World");
  if (kind == "integer") return reply.Integer(12345);
  if (kind == "double") return reply.Double(3.141);
  if (kind == "bignum") return reply.BigNumber("1234567999999999999999999999999999999");
  if (kind == "null") return reply.Null();
  if (kind == "array" || kind == "set" || kind == "map") return ReplyExampleAggregate(ctx, kind);
  if (kind == "attrib") return ReplyExampleAttribute(ctx);
  if (kind == "push") return ReplyExamplePush(ctx);
  if (kind == "verbatim") return reply.Verbatim("This is a verbatim\nstring");
  if (kind == "true" || kind == "false") return reply.Boolean(kind == "true");
  ctx.Error(
      "ERR Wrong protocol type name. Please use one of the following: "
      "string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false");
}

void Help(Context& ctx) {
  constexpr std::string_view kLines[] = {
      "DEBUG <subcommand> [<argument> ...]. The subcommands are:",
      "ERROR <text>",
      "    Replies an error of that text.",
      "LOADAOF",
      "    Writes the append-only file out, empties the databases and loads it again.",
      "OBJECT <key>",
      "    Shows how the value of a key is kept.",
      "PROTOCOL <type>",
      "    Replies an example of a protocol type: string, integer, double, bignum, null, array, set, map, "
      "attrib, push,",
      "    verbatim, true or false.",
      "RELOAD [MERGE] [NOFLUSH] [NOSAVE]",
      "    Saves a snapshot, empties the databases and loads it again; NOSAVE and NOFLUSH leave out those "
      "steps.",
      "SET-ACTIVE-EXPIRE (0|1)",
      "    Turns the removal of expired keys that nobody asks for off or on.",
      "SLEEP <seconds>",
      "    Holds up the whole server. Decimals are allowed.",
      "HELP",
      "    Prints this help.",
  };
  ctx.reply().Array(std::size(kLines));
  for (std::string_view line : kLines) ctx.reply().Simple(line);
}

}  // namespace

void DebugCommands::Run(Context& ctx) {
  constexpr double kLongestSleepSeconds = 3600;
  if (ctx.Is(1, "help") && ctx.size() == 2) return Help(ctx);
  if (ctx.Is(1, "reload")) return actions_.reload(ctx);
  if (ctx.Is(1, "loadaof") && ctx.size() == 2) return actions_.load_aof(ctx);
  if (ctx.size() == 3) {
    if (ctx.Is(1, "object")) return DescribeEntry(ctx);
    if (ctx.Is(1, "protocol")) return ReplyExample(ctx);
    if (ctx.Is(1, "error")) return ctx.Error(ctx[2]);
    if (ctx.Is(1, "set-active-expire")) {
      actions_.set_active_expiry(ParseInt64(ctx[2]).value_or(0) != 0);
      return ctx.reply().Ok();
    }
    if (ctx.Is(1, "sleep")) {
      const double seconds = std::clamp(ParseDouble(ctx[2]).value_or(0), 0.0, kLongestSleepSeconds);
      actions_.hold_up(static_cast<int64_t>(seconds * 1e6));
      return ctx.reply().Ok();
    }
  }
  ctx.Error(fmt::format("ERR unknown subcommand or wrong number of arguments for '{}'. Try DEBUG HELP.",
                        ctx[1].substr(0, 128)));
}

void DebugCommands::Register(engine::CommandTable& table) {
  table.Bind("debug", engine::MakeHandler<&DebugCommands::Run>(*this));
}

}  // namespace hearth::server
