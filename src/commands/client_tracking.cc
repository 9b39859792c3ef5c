// CLIENT TRACKING, CACHING, GETREDIR, TRACKINGINFO: how a client that caches values hears of their changes.

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "base/text.h"
#include "commands/register.h"
#include "engine/engine.h"

namespace hearth::commands {
namespace {

using engine::Client;
using engine::Context;
using engine::TrackingState;

struct TrackingOptions {
  TrackingState state;  // without prefixes
  std::vector<std::string_view> prefixes;
};

// Argument `i` as the id of the client to be told. False if an error has been replied.
bool ParseRedirect(Context& ctx, size_t i, TrackingState& state) {
  if (state.redirect != 0) {
    return ctx.Error("ERR A client can only redirect to a single other client"), false;
  }
  const auto id = ctx.Integer(i);
  if (!id) return false;
  // It can go at any later time too, but a mistake is better found now.
  if (*id <= 0 || ctx.engine().clients().Find(static_cast<uint64_t>(*id)) == nullptr) {
    return ctx.Error("ERR The client ID you want redirect to does not exist"), false;
  }
  state.redirect = static_cast<uint64_t>(*id);
  return true;
}

// False if an error has been replied.
bool ParseOptions(Context& ctx, TrackingOptions& options) {
  TrackingState& state = options.state;
  for (size_t i = 3; i < ctx.size(); ++i) {
    const bool has_value = i + 1 < ctx.size();
    if (ctx.Is(i, "redirect") && has_value) {
      if (!ParseRedirect(ctx, ++i, state)) return false;
    } else if (ctx.Is(i, "bcast")) {
      state.is_broadcast = true;
    } else if (ctx.Is(i, "optin")) {
      state.is_opt_in = true;
    } else if (ctx.Is(i, "optout")) {
      state.is_opt_out = true;
    } else if (ctx.Is(i, "noloop")) {
      state.skips_own = true;
    } else if (ctx.Is(i, "prefix") && has_value) {
      options.prefixes.push_back(ctx[++i]);
    } else {
      return ctx.SyntaxError(), false;
    }
  }
  return true;
}

bool Overlap(std::string_view a, std::string_view b) { return a.starts_with(b) || b.starts_with(a); }

// A client would hear of a key below two of its prefixes twice. False if an error has been replied.
bool CheckPrefixes(Context& ctx, const std::vector<std::string_view>& prefixes) {
  const TrackingState* state = ctx.client().tracking.get();
  for (size_t i = 0; i < prefixes.size(); ++i) {
    if (state != nullptr) {
      for (const std::string& mine : state->prefixes) {
        if (!Overlap(mine, prefixes[i])) continue;
        ctx.Error(
            fmt::format("ERR Prefix '{}' overlaps with an existing prefix '{}'. Prefixes for a single "
                        "client must not overlap.",
                        prefixes[i], mine));
        return false;
      }
    }
    for (size_t k = i + 1; k < prefixes.size(); ++k) {
      if (!Overlap(prefixes[i], prefixes[k])) continue;
      ctx.Error(
          fmt::format("ERR Prefix '{}' overlaps with another provided prefix '{}'. Prefixes for a "
                      "single client must not overlap.",
                      prefixes[i], prefixes[k]));
      return false;
    }
  }
  return true;
}

// The modes must go together, and with those of a client that tracks already. False if an error has been
// replied.
bool CheckModes(Context& ctx, const TrackingOptions& options) {
  const TrackingState& wanted = options.state;
  const TrackingState* now = ctx.client().tracking.get();
  std::string_view error;
  if (!wanted.is_broadcast && !options.prefixes.empty()) {
    error = "ERR PREFIX option requires BCAST mode to be enabled";
  } else if (now != nullptr && now->is_broadcast != wanted.is_broadcast) {
    error =
        "ERR You can't switch BCAST mode on/off before disabling tracking for this client, and then "
        "re-enabling it with a different mode.";
  } else if (wanted.is_broadcast && (wanted.is_opt_in || wanted.is_opt_out)) {
    error = "ERR OPTIN and OPTOUT are not compatible with BCAST";
  } else if (wanted.is_opt_in && wanted.is_opt_out) {
    error = "ERR You can't specify both OPTIN mode and OPTOUT mode";
  } else if (now != nullptr &&
             ((wanted.is_opt_in && now->is_opt_out) || (wanted.is_opt_out && now->is_opt_in))) {
    error =
        "ERR You can't switch OPTIN/OPTOUT mode before disabling tracking for this client, and then "
        "re-enabling it with a different mode.";
  }
  if (!error.empty()) ctx.Error(error);
  return error.empty();
}

void SetTracking(Context& ctx) {
  TrackingOptions options;
  if (!ParseOptions(ctx, options)) return;
  if (ctx.Is(2, "off")) {
    ctx.engine().StopTracking(ctx.client());
    return ctx.reply().Ok();
  }
  if (!ctx.Is(2, "on")) return ctx.SyntaxError();
  if (!CheckModes(ctx, options) || !CheckPrefixes(ctx, options.prefixes)) return;
  options.state.prefixes.insert(options.prefixes.begin(), options.prefixes.end());
  ctx.engine().Track(ctx.client(), options.state);
  ctx.reply().Ok();
}

void Caching(Context& ctx) {
  TrackingState* state = ctx.client().tracking.get();
  if (state == nullptr) {
    return ctx.Error(
        "ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode "
        "enabled");
  }
  if (ctx.Is(2, "yes")) {
    if (!state->is_opt_in) {
      return ctx.Error("ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode.");
    }
  } else if (ctx.Is(2, "no")) {
    if (!state->is_opt_out) {
      return ctx.Error("ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.");
    }
  } else {
    return ctx.SyntaxError();
  }
  state->is_caching_said = true;
  ctx.reply().Ok();
}

// The id of the client that is told, 0 if it is the caller itself, -1 if nobody is.
int64_t RedirectOf(const Client& client) {
  return client.tracking != nullptr ? static_cast<int64_t>(client.tracking->redirect) : -1;
}

void GetRedirection(Context& ctx) { ctx.reply().Integer(RedirectOf(ctx.client())); }

std::vector<std::string_view> FlagsOf(const TrackingState* state) {
  if (state == nullptr) return {"off"};
  std::vector<std::string_view> flags = {"on"};
  const auto add = [&flags](bool is_set, std::string_view flag) {
    if (is_set) flags.push_back(flag);
  };
  add(state->is_broadcast, "bcast");
  add(state->is_opt_in, "optin");
  add(state->is_opt_in && state->is_caching_said, "caching-yes");
  add(state->is_opt_out, "optout");
  add(state->is_opt_out && state->is_caching_said, "caching-no");
  add(state->skips_own, "noloop");
  add(state->is_redirect_broken, "broken_redirect");
  return flags;
}

void TrackingInfo(Context& ctx) {
  const TrackingState* state = ctx.client().tracking.get();
  resp::Writer& reply = ctx.reply();
  reply.Map(3);
  reply.Bulk("flags");
  const std::vector<std::string_view> flags = FlagsOf(state);
  reply.Set(flags.size());
  for (std::string_view flag : flags) reply.Bulk(flag);
  reply.Bulk("redirect");
  reply.Integer(RedirectOf(ctx.client()));
  reply.Bulk("prefixes");
  reply.Array(state != nullptr ? state->prefixes.size() : 0);
  if (state == nullptr) return;
  for (const std::string& prefix : state->prefixes) reply.Bulk(prefix);
}

}  // namespace

void RegisterClientTracking(engine::CommandTable& table) {
  table.Bind("client|tracking", engine::MakeHandler<&SetTracking>());
  table.Bind("client|caching", engine::MakeHandler<&Caching>());
  table.Bind("client|getredir", engine::MakeHandler<&GetRedirection>());
  table.Bind("client|trackinginfo", engine::MakeHandler<&TrackingInfo>());
}

}  // namespace hearth::commands
