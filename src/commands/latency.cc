// LATENCY: events that held the server up, and how long commands take.

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "commands/help.h"
#include "commands/latency_report.h"
#include "commands/register.h"
#include "engine/engine.h"

namespace hearth::commands {
namespace {

using engine::Command;
using engine::Context;
using engine::LatencyHistogram;
using engine::LatencySeries;

int64_t NowSeconds(Context& ctx) { return ctx.engine().clock().WallMicros() / 1'000'000; }

void Latest(Context& ctx) {
  const auto& events = ctx.engine().latency().events();
  ctx.reply().Array(events.size());
  for (const auto& [event, series] : events) {
    ctx.reply().Array(4);
    ctx.reply().Bulk(event);
    ctx.reply().Integer(series.latest().at_seconds);
    ctx.reply().Integer(series.latest().ms);
    ctx.reply().Integer(series.max_ms());
  }
}

void History(Context& ctx) {
  const LatencySeries* series = ctx.engine().latency().Find(ctx[2]);
  if (series == nullptr) return ctx.reply().Array(0);
  ctx.reply().Array(series->size());
  for (size_t i = 0; i < series->size(); ++i) {
    ctx.reply().Array(2);
    ctx.reply().Integer((*series)[i].at_seconds);
    ctx.reply().Integer((*series)[i].ms);
  }
}

void Reset(Context& ctx) {
  engine::LatencyMonitor& monitor = ctx.engine().latency();
  if (ctx.size() == 2) return ctx.reply().Integer(static_cast<int64_t>(monitor.ResetAll()));
  size_t count = 0;
  for (size_t i = 2; i < ctx.size(); ++i) count += monitor.Reset(ctx[i]);
  ctx.reply().Integer(static_cast<int64_t>(count));
}

void Graph(Context& ctx) {
  const LatencySeries* series = ctx.engine().latency().Find(ctx[2]);
  if (series == nullptr) {
    return ctx.Error(fmt::format("ERR No samples available for event '{}'", ctx[2].substr(0, 128)));
  }
  ctx.reply().Verbatim(DrawLatencyGraph(ctx[2], *series, NowSeconds(ctx)));
}

void Doctor(Context& ctx) {
  ctx.reply().Verbatim(ExplainLatency(ctx.engine().latency(), ctx.settings(), NowSeconds(ctx)));
}

// The command and its subcommands, those that have run.
void AddTracked(const Command& command, std::vector<const Command*>& tracked) {
  if (command.counters.latency != nullptr) tracked.push_back(&command);
  for (const Command* subcommand : command.subcommands) AddTracked(*subcommand, tracked);
}

void Histogram(Context& ctx) {
  const engine::CommandTable& table = ctx.engine().commands();
  std::vector<const Command*> tracked;
  if (ctx.size() == 2) {
    for (const Command* command : table.commands()) AddTracked(*command, tracked);
  }
  for (size_t i = 2; i < ctx.size(); ++i) {
    if (const Command* command = table.FindFull(ctx[i])) AddTracked(*command, tracked);
  }
  resp::Writer& reply = ctx.reply();
  reply.Map(tracked.size());
  for (const Command* command : tracked) {
    const LatencyHistogram& histogram = *command->counters.latency;
    const std::vector<LatencyHistogram::Step> steps = histogram.Doublings();
    reply.Bulk(command->full_name());
    reply.Map(2);
    reply.Bulk("calls");
    reply.Integer(static_cast<int64_t>(histogram.total()));
    reply.Bulk("histogram_usec");
    reply.Map(steps.size());
    for (const LatencyHistogram::Step& step : steps) {
      reply.Integer(static_cast<int64_t>(step.micros));
      reply.Integer(static_cast<int64_t>(step.count));
    }
  }
}

}  // namespace

void RegisterLatency(engine::CommandTable& table) {
  table.Bind("latency|latest", engine::MakeHandler<&Latest>());
  table.Bind("latency|history", engine::MakeHandler<&History>());
  table.Bind("latency|reset", engine::MakeHandler<&Reset>());
  table.Bind("latency|graph", engine::MakeHandler<&Graph>());
  table.Bind("latency|doctor", engine::MakeHandler<&Doctor>());
  table.Bind("latency|histogram", engine::MakeHandler<&Histogram>());
  table.Bind("latency|help", engine::MakeHandler<&Help>());
}

}  // namespace hearth::commands
