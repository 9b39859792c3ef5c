// FUNCTION: libraries of functions.

#include <fmt/format.h>

#include "base/text.h"
#include "script/function_payload.h"
#include "script/scripts.h"

namespace hearth::script {
namespace {

using engine::Context;

void WrongSubcommandArguments(Context& ctx) {
  ctx.Error(fmt::format("ERR unknown subcommand or wrong number of arguments for '{}'. Try FUNCTION HELP.",
                        ctx[1]));
}

void DescribeLibrary(const Library& library, bool has_code, resp::Writer& reply) {
  reply.Map(has_code ? 4 : 3);
  reply.Bulk("library_name");
  reply.Bulk(library.name);
  reply.Bulk("engine");
  reply.Bulk("LUA");
  reply.Bulk("functions");
  reply.Array(library.functions.size());
  for (const Function& function : library.functions) {
    reply.Map(3);
    reply.Bulk("name");
    reply.Bulk(function.name);
    reply.Bulk("description");
    function.description ? reply.Bulk(*function.description) : reply.Null();
    reply.Bulk("flags");
    const resp::Writer::DeferredLength flags = reply.DeferSet();
    size_t count = 0;
    for (const NamedFlag& flag : NamedFlags()) {
      if ((function.flags & flag.flag) == 0) continue;
      reply.Simple(flag.name);
      ++count;
    }
    reply.Finish(flags, count);
  }
  if (!has_code) return;
  reply.Bulk("library_code");
  reply.Bulk(library.code);
}

}  // namespace

void Scripts::FunctionLoad(Context& ctx) {
  bool replaces = false;
  for (size_t i = 2; i + 1 < ctx.size(); ++i) {
    if (replaces || !ctx.Is(i, "replace"))
      return ctx.Error(fmt::format("ERR Unknown option given: {}", ctx[i]));
    replaces = true;
  }
  // What is accepted already is not refused for its length.
  const bool is_limited = !ctx.client().is_trusted();
  const Result<std::string> name = functions_.LoadOne(std::string(ctx[ctx.size() - 1]), replaces, is_limited);
  if (!name) return ctx.Error("ERR " + name.error().message);
  ctx.keyspace().CountChanges(1);
  ctx.reply().Bulk(*name);
}

void Scripts::FunctionDelete(Context& ctx) {
  if (!functions_.Delete(ctx[2])) return ctx.Error("ERR Library not found");
  ctx.keyspace().CountChanges(1);
  ctx.reply().Ok();
}

void Scripts::FunctionFlush(Context& ctx) {
  if (ctx.size() > 3) return WrongSubcommandArguments(ctx);
  if (ctx.size() == 3 && !ctx.Is(2, "sync") && !ctx.Is(2, "async")) {
    return ctx.Error("ERR FUNCTION FLUSH only supports SYNC|ASYNC option");
  }
  functions_.Clear();
  ctx.keyspace().CountChanges(1);
  ctx.reply().Ok();
}

void Scripts::FunctionList(Context& ctx) {
  std::optional<std::string_view> pattern;
  bool has_code = false;
  for (size_t i = 2; i < ctx.size(); ++i) {
    if (!has_code && ctx.Is(i, "withcode")) {
      has_code = true;
    } else if (!pattern && ctx.Is(i, "libraryname")) {
      if (i + 1 == ctx.size()) return ctx.Error("ERR library name argument was not given");
      pattern = ctx[++i];
    } else {
      return ctx.Error(fmt::format("ERR Unknown argument {}", ctx[i]));
    }
  }
  resp::Writer& reply = ctx.reply();
  const resp::Writer::DeferredLength list = reply.DeferArray();
  size_t count = 0;
  for (const auto& [name, library] : functions_.libraries()) {
    if (pattern && !GlobMatch(*pattern, name, true)) continue;
    DescribeLibrary(*library, has_code, reply);
    ++count;
  }
  reply.Finish(list, count);
}

void Scripts::FunctionStats(Context& ctx) {
  const Result<std::optional<Runner::Current>> current = runner_.DescribeFunction();
  if (!current) return ctx.Error(current.error().message);
  resp::Writer& reply = ctx.reply();
  reply.Map(2);
  reply.Bulk("running_script");
  if (const auto& running = *current) {
    reply.Map(3);
    reply.Bulk("name");
    reply.Bulk(running->name);
    reply.Bulk("command");
    reply.Array(running->command.size());
    for (const std::string_view word : running->command) reply.Bulk(word);
    reply.Bulk("duration_ms");
    reply.Integer(running->duration_ms);
  } else {
    reply.Null();
  }
  reply.Bulk("engines");
  reply.Map(1);
  reply.Bulk("LUA");
  reply.Map(2);
  reply.Bulk("libraries_count");
  reply.Integer(static_cast<int64_t>(functions_.libraries().size()));
  reply.Bulk("functions_count");
  reply.Integer(static_cast<int64_t>(functions_.function_count()));
}

void Scripts::FunctionKill(Context& ctx) {
  if (const Status status = runner_.Kill(true); !status) return ctx.Error(status.error().message);
  ctx.reply().Ok();
}

void Scripts::FunctionDump(Context& ctx) {
  const auto compression = ctx.settings().rdbcompression ? rdb::Compression::kYes : rdb::Compression::kNo;
  ctx.reply().Bulk(EncodeFunctions(functions_.Codes(), compression));
}

void Scripts::FunctionRestore(Context& ctx) {
  using Existing = engine::FunctionLibraries::Existing;
  if (ctx.size() > 4) return WrongSubcommandArguments(ctx);
  Existing existing = Existing::kRefuseSameName;
  if (ctx.size() == 4) {
    if (ctx.Is(3, "flush")) {
      existing = Existing::kDropAll;
    } else if (ctx.Is(3, "replace")) {
      existing = Existing::kReplaceSameName;
    } else if (!ctx.Is(3, "append")) {
      return ctx.Error("ERR Wrong restore policy given, value should be either FLUSH, APPEND or REPLACE.");
    }
  }
  const Result<std::vector<std::string>> codes = DecodeFunctions(ctx[2]);
  if (!codes) return ctx.Error("ERR " + codes.error().message);
  const bool is_limited = !ctx.client().is_trusted();
  if (const Status status = functions_.LoadAll(*codes, existing, is_limited); !status) {
    return ctx.Error("ERR " + status.error().message);
  }
  ctx.keyspace().CountChanges(1);
  ctx.reply().Ok();
}

void Scripts::RegisterFunction(engine::CommandTable& table) {
  table.Bind("function|load", engine::MakeHandler<&Scripts::FunctionLoad>(*this));
  table.Bind("function|delete", engine::MakeHandler<&Scripts::FunctionDelete>(*this));
  table.Bind("function|flush", engine::MakeHandler<&Scripts::FunctionFlush>(*this));
  table.Bind("function|list", engine::MakeHandler<&Scripts::FunctionList>(*this));
  table.Bind("function|stats", engine::MakeHandler<&Scripts::FunctionStats>(*this));
  table.Bind("function|kill", engine::MakeHandler<&Scripts::FunctionKill>(*this));
  table.Bind("function|dump", engine::MakeHandler<&Scripts::FunctionDump>(*this));
  table.Bind("function|restore", engine::MakeHandler<&Scripts::FunctionRestore>(*this));
}

}  // namespace hearth::script
