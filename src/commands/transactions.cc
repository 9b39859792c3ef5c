// MULTI, EXEC, DISCARD, WATCH and UNWATCH: the engine carries them out, since EXEC runs other commands.

#include "commands/register.h"
#include "engine/engine.h"

namespace hearth::commands {
namespace {

template <void (engine::Engine::*kMember)(engine::Context&)>
void CallEngine(engine::Context& ctx) {
  (ctx.engine().*kMember)(ctx);
}

}  // namespace

void RegisterTransactions(engine::CommandTable& table) {
  table.Bind("multi", engine::MakeHandler<&CallEngine<&engine::Engine::Multi>>());
  table.Bind("exec", engine::MakeHandler<&CallEngine<&engine::Engine::Exec>>());
  table.Bind("discard", engine::MakeHandler<&CallEngine<&engine::Engine::Discard>>());
  table.Bind("watch", engine::MakeHandler<&CallEngine<&engine::Engine::Watch>>());
  table.Bind("unwatch", engine::MakeHandler<&CallEngine<&engine::Engine::Unwatch>>());
}

}  // namespace hearth::commands
