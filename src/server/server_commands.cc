#include "server/server_commands.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/numbers.h"
#include "commands/help.h"

namespace hearth::server {
namespace {

using engine::Context;

void Time(Context& ctx) {
  const int64_t now_us = ctx.engine().clock().WallMicros();
  ctx.reply().Array(2);
  ctx.reply().BulkInteger(now_us / 1000000);
  ctx.reply().BulkInteger(now_us % 1000000);
}

// A fire in a hearth, never twice the same: the heat of each cell comes from below and fades as it rises (the
// fire effect of old demos).
std::string DrawFire(Prng& random, int width, int height) {
  constexpr std::string_view kShades = " .:*xsS#$";
  const auto cell = [width](int x, int y) { return static_cast<size_t>(y * width + x); };
  std::vector<int> heat(static_cast<size_t>(width * height), 0);
  for (int x = 1; x < width - 1; ++x) heat[cell(x, height - 1)] = 5 + static_cast<int>(random.Below(4));
  for (int y = height - 2; y >= 0; --y) {
    for (int x = 0; x < width; ++x) {
      const int from = std::clamp(x + static_cast<int>(random.Below(3)) - 1, 0, width - 1);
      heat[cell(x, y)] = std::max(0, heat[cell(from, y + 1)] - static_cast<int>(random.Below(3)));
    }
  }
  std::string picture;
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) picture += kShades[static_cast<size_t>(heat[cell(x, y)])];
    picture.erase(picture.find_last_not_of(' ') + 1);
    picture += '\n';
  }
  return picture + std::string(static_cast<size_t>(width), '=') + '\n';
}

void Lolwut(Context& ctx) {
  // VERSION chooses among other servers' pictures; there is one here.
  if (ctx.size() >= 3 && ctx.Is(1, "VERSION") && !ctx.Integer(2)) return;
  ctx.reply().Verbatim(DrawFire(ctx.random(), 60, 12) + "\nRedis ver. 7.2.4\n");
}

void ListModules(Context& ctx) { ctx.reply().Array(0); }

void RefuseModule(Context& ctx) {
  ctx.engine().log().Warning(
      "Module {} is not loaded: modules for Redis are compiled against its own sources, and there is no "
      "interface for them here",
      ctx[2]);
  ctx.Error("ERR Error loading the extension. Please check the server logs.");
}

void RefuseUnknownModule(Context& ctx) {
  ctx.Error("ERR Error unloading module: no such module with that name");
}

}  // namespace

void ServerCommands::ShutDown(Context& ctx) {
  ShutdownRequest request;
  bool is_abort = false;
  bool wants_save = false;
  bool wants_no_save = false;
  for (size_t i = 1; i < ctx.size(); ++i) {
    if (ctx.Is(i, "nosave")) {
      wants_no_save = true;
    } else if (ctx.Is(i, "save")) {
      wants_save = true;
    } else if (ctx.Is(i, "now")) {
      request.is_immediate = true;
    } else if (ctx.Is(i, "force")) {
      request.is_forced = true;
    } else if (ctx.Is(i, "abort")) {
      is_abort = true;
    } else {
      return ctx.SyntaxError();
    }
  }
  const bool has_others = wants_save || wants_no_save || request.is_immediate || request.is_forced;
  if ((is_abort && has_others) || (wants_save && wants_no_save)) return ctx.SyntaxError();
  if (is_abort) return AbortShutdown(ctx);
  // A script that is stopped half way has made data that no replica has to wait for.
  request.is_immediate |= engine_.is_busy();
  if (wants_save) request.save = ShutdownRequest::Save::kYes;
  if (wants_no_save) request.save = ShutdownRequest::Save::kNo;
  const Result<Shutdown::Stage> stage = shutdown_.Begin(request);
  if (!stage) return ctx.Error(stage.error().message);
  if (*stage == Shutdown::Stage::kWaiting) return WaitForShutdown(ctx);
  ctx.client().CloseNow();
}

// No reply follows, unless somebody aborts the shutdown.
void ServerCommands::WaitForShutdown(Context& ctx) {
  waiting_.push_back(ctx.client().id);
  engine::BlockRequest request;
  request.answer = [](resp::Writer& reply) { reply.Error("ERR Errors trying to SHUTDOWN. Check logs."); };
  request.on_end = [this, id = ctx.client().id] { std::erase(waiting_, id); };
  ctx.Block(std::move(request));
}

void ServerCommands::AbortShutdown(Context& ctx) {
  if (!shutdown_.Abort()) return ctx.Error("ERR No shutdown in progress.");
  for (const uint64_t id : std::vector<uint64_t>(waiting_)) {
    if (engine::Client* client = engine_.clients().Find(id)) engine_.Unblock(*client);
  }
  ctx.reply().Ok();
}

// docs/formats/sentinel.md says what the connection is then.
void ServerCommands::Probe(Context& ctx) {
  const engine::Client& client = ctx.client();
  if (client.connection == nullptr || client.connection->is_link() || client.is(engine::Client::kReplica)) {
    return ctx.Error("ERR this connection cannot be used for probes");
  }
  if (const Status status = connections_.BecomeProbed(*client.connection); !status) {
    return ctx.Error("ERR " + status.error().message);
  }
  ctx.reply().Ok();
}

void ServerCommands::Register(engine::CommandTable& table) {
  table.Bind("time", engine::MakeHandler<&Time>());
  table.Bind("lolwut", engine::MakeHandler<&Lolwut>());
  table.Bind("shutdown", engine::MakeHandler<&ServerCommands::ShutDown>(*this));
  table.Bind("module|help", engine::MakeHandler<&commands::Help>());
  table.Bind("module|list", engine::MakeHandler<&ListModules>());
  table.Bind("module|load", engine::MakeHandler<&RefuseModule>());
  table.Bind("module|loadex", engine::MakeHandler<&RefuseModule>());
  table.Bind("module|unload", engine::MakeHandler<&RefuseUnknownModule>());
  table.Bind("client|probe", engine::MakeHandler<&ServerCommands::Probe>(*this));
}

}  // namespace hearth::server
