#include "server/debug_commands.h"

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "base/assert.h"
#include "base/memory.h"
#include "base/numbers.h"
#include "base/text.h"
#include "env/sleep.h"
#include "server/dataset_digest.h"
#include "server/debug_switches.h"
#include "server/debug_values.h"

namespace hearth::server {
namespace {

using engine::Context;

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

// ---- what changes or ends something

void Populate(Context& ctx) {
  constexpr std::string_view kError = "ERR value is out of range, must be positive";
  const auto count = ctx.IntegerIn(2, 0, INT64_MAX, kError);
  if (!count) return;
  const std::string_view prefix = ctx.size() > 3 ? ctx[3] : "key";
  std::optional<int64_t> size;
  if (ctx.size() > 4) {
    size = ctx.IntegerIn(4, 0, ctx.settings().proto_max_bulk_len, kError);
    if (!size) return;
  }
  for (int64_t i = 0; i < *count; ++i) {
    const std::string name = fmt::format("{}:{}", prefix, i);
    const engine::Key key(name);
    if (ctx.Peek(key) != nullptr) continue;
    std::string value = fmt::format("value:{}", i);
    if (size.value_or(0) != 0) value.resize(static_cast<size_t>(*size), '\0');
    ctx.db().SetString(key, value);
  }
  // The keys are this server's alone.
  ctx.effects().Suppress();
  ctx.reply().Ok();
}

// Passes on the rest of the arguments as an effect, though nothing has happened here.
void Replicate(Context& ctx) {
  ctx.effects().Add(ctx.client().database, ctx.args().subspan(2));
  ctx.reply().Ok();
}

void DigestValues(Context& ctx) {
  ctx.reply().Array(ctx.size() - 2);
  for (size_t i = 2; i < ctx.size(); ++i) {
    const engine::Entry* entry = ctx.Peek(ctx.key(i));
    ctx.reply().Simple(entry == nullptr ? std::string(40, '0') : ValueDigest(*entry));
  }
}

void WriteToLog(Context& ctx) {
  ctx.engine().log().Warning("DEBUG LOG: {}", ctx[2]);
  ctx.reply().Ok();
}

void FailAssertion(Context&) { HEARTH_ASSERT(!"DEBUG ASSERT was asked for"); }

void Panic(Context& ctx) {
  Logger& log = ctx.engine().log();
  log.Warning("------------------------------------------------");
  log.Warning("!!! The server cannot go on: it was told to fail");
  log.Warning("Guru Meditation: Panic called from DEBUG #{}:{}", __FILE_NAME__, __LINE__);
  log.Warning("------------------------------------------------");
  std::abort();
}

// Takes memory that nobody will ever free, for whoever looks for leaks.
void Leak(Context& ctx) {
  const std::string_view text = ctx[2];
  std::memcpy(AllocateDensely(std::max<size_t>(text.size(), 1)), text.data(), text.size());
  ctx.reply().Ok();
}

// Random patterns against random texts, of letters that patterns have a meaning for.
void TryPatterns(Context& ctx) {
  constexpr int kTimes = 100'000;
  constexpr std::string_view kLetters = "*?[]^-\\ab";
  const auto draw = [&](uint64_t most) {
    std::string text(ctx.random().Below(most + 1), ' ');
    for (char& letter : text) letter = kLetters[ctx.random().Below(kLetters.size())];
    return text;
  };
  for (int i = 0; i < kTimes; ++i) (void)GlobMatch(draw(16), draw(64), i % 2 == 0);
  ctx.reply().Simple("Apparently Redis did not crash: test passed");
}

void FaultOfMemory(Context&) { std::raise(SIGSEGV); }

void RunOutOfMemory(Context& ctx) {
  std::string text;
  text.reserve(text.max_size());
  ctx.reply().Bulk(text);
}

constexpr std::string_view kHelp[] = {
    "DEBUG <subcommand> [<argument> ...]. The subcommands are:",
    "AOF-FLUSH-SLEEP <microseconds>",
    "    Holds up each write to the append-only file for so long.",
    "ASSERT, OOM, PANIC, SEGFAULT",
    "    Ends the server as a failed assertion, a lack of memory, or a bad access to memory would.",
    "CHANGE-REPL-ID",
    "    Takes another replication id, as if the server had no past.",
    "CLIENT-EVICTION",
    "    Shows what clients hold of maxmemory-clients.",
    "CLUSTERLINK KILL (to|from|all) <node>",
    "    Cuts links between nodes of a cluster.",
    "CONFIG-REWRITE-FORCE-ALL",
    "    Like CONFIG REWRITE, with a line for every directive.",
    "CRASH-AND-RECOVER [<milliseconds>]",
    "    Ends at once, as a crash would, and starts again after that time.",
    "DIGEST",
    "    Shows a fingerprint of all data, the same on every server that holds the same.",
    "DIGEST-VALUE <key> [<key> ...]",
    "    Shows fingerprints of values.",
    "ERROR <text>",
    "    Replies an error of that text.",
    "HTSTATS <database>",
    "    Shows how the hash tables of a database are filled.",
    "HTSTATS-KEY <key>",
    "    Shows how the hash table of a value is filled.",
    "LEAK <text>",
    "    Takes memory for the text and never frees it.",
    "LISTPACK <key>",
    "    Writes the elements of a small value into the log.",
    "LOADAOF",
    "    Writes the append-only file out, empties the databases and loads it again.",
    "LOG <text>",
    "    Writes the text into the log.",
    "MALLCTL <name> [<number>], MALLCTL-STR <name> [<text>]",
    "    Reads a value of the allocator, or sets it.",
    "OBJECT <key>",
    "    Shows how the value of a key is kept.",
    "PAUSE-CRON (0|1)",
    "    Stops what the server does by the clock, or goes on with it.",
    "POPULATE <count> [<prefix>] [<size>]",
    "    Makes so many keys, prefix:0 and so on, which replicas and the append-only file do not get.",
    "PROTOCOL <type>",
    "    Replies an example of a protocol type: string, integer, double, bignum, null, array, set, map, "
    "attrib, push,",
    "    verbatim, true or false.",
    "QUICKLIST <key> [0|1]",
    "    Writes the nodes of a long list into the log; with 1 their elements too.",
    "QUICKLIST-PACKED-THRESHOLD <size>",
    "    List elements of that size get a node of their own; 0 for the usual half a gigabyte.",
    "RELOAD [MERGE] [NOFLUSH] [NOSAVE]",
    "    Saves a snapshot, empties the databases and loads it again; NOSAVE and NOFLUSH leave out those "
    "steps.",
    "REPLICATE <argument> [<argument> ...]",
    "    Sends a command to the replicas and the append-only file without running it here.",
    "REPLYBUFFER PEAK-RESET-TIME (NEVER|RESET|<milliseconds>), REPLYBUFFER RESIZING (0|1)",
    "    Accepted and without effect: output buffers are never resized.",
    "RESTART [<milliseconds>]",
    "    Rewrites the configuration file, saves as SHUTDOWN does, and starts again after that time.",
    "SDSLEN <key>",
    "    Shows the sizes of a key and its text.",
    "SET-ACTIVE-EXPIRE (0|1)",
    "    Turns the removal of expired keys that nobody asks for off or on.",
    "SET-DISABLE-DENY-SCRIPTS (0|1)",
    "    Lets scripts call the commands that they may not call.",
    "SET-SKIP-CHECKSUM-VALIDATION (0|1)",
    "    Leaves the checksums of snapshots and of RESTORE unchecked.",
    "SLEEP <seconds>",
    "    Holds up the whole server. Decimals are allowed.",
    "STRINGMATCH-LEN <pattern> <text>",
    "    Replies 1 if the text matches the pattern, else 0.",
    "STRINGMATCH-TEST",
    "    Matches random patterns against random texts.",
    "STRUCTSIZE",
    "    Shows the sizes of the structures that keep data.",
    "HELP",
    "    Prints this help.",
};

void Help(Context& ctx) {
  ctx.reply().Array(std::size(kHelp));
  for (std::string_view line : kHelp) ctx.reply().Simple(line);
}

// A subcommand that needs nothing but the context, and how many arguments it takes, DEBUG and itself counted.
struct Subcommand {
  std::string_view name;
  size_t least;
  size_t most;
  void (*run)(Context& ctx);
};

constexpr size_t kAny = SIZE_MAX;
constexpr Subcommand kSubcommands[] = {
    {"assert", 2, 2, FailAssertion},
    {"clusterlink", 5, 5, KillClusterLink},
    {"client-eviction", 2, 2, DescribeClientEviction},
    {"digest", 2, 2, [](Context& ctx) { ctx.reply().Simple(DatasetDigest(ctx.keyspace())); }},
    {"digest-value", 2, kAny, DigestValues},
    {"drop-cluster-packet-filter", 3, 3,
     [](Context& ctx) {
       if (ctx.Integer(2)) ctx.reply().Ok();
     }},
    // A reply for tests of clients, and none of our errors: it is not counted.
    {"error", 3, 3, [](Context& ctx) { ctx.reply().Error(ctx[2]); }},
    {"help", 2, 2, Help},
    {"htstats", 3, 3, DescribeTables},
    {"htstats-key", 3, 3, DescribeTableOf},
    {"leak", 3, 3, Leak},
    {"listpack", 3, 3, LogListpack},
    {"log", 3, 3, WriteToLog},
    {"object", 3, 3, DescribeObject},
    {"oom", 2, 2, RunOutOfMemory},
    {"mallctl", 3, 4, ControlAllocator},
    {"mallctl-str", 3, 4, ControlAllocatorByText},
    {"panic", 2, 2, Panic},
    {"pause-cron", 3, 3, PauseCron},
    {"populate", 3, 5, Populate},
    {"protocol", 3, 3, ReplyExample},
    {"quicklist", 3, 4, LogQuicklist},
    {"quicklist-packed-threshold", 3, 3, SetLargeElementBytes},
    {"replicate", 3, kAny, Replicate},
    {"replybuffer", 4, 4, TuneReplyBuffers},
    {"sdslen", 3, 3, DescribeText},
    {"segfault", 2, 2, FaultOfMemory},
    {"set-disable-deny-scripts", 3, 3, AllowInScripts},
    {"set-skip-checksum-validation", 3, 3, SkipChecksums},
    {"stringmatch-len", 4, 4, MatchPattern},
    {"stringmatch-test", 2, 2, TryPatterns},
    {"structsize", 2, 2, ReplyStructureSizes},
};

}  // namespace

void DebugCommands::Restart(Context& ctx) {
  int64_t delay_ms = 0;
  if (ctx.size() == 3) {
    const auto given = ctx.Integer(2);
    if (!given) return;
    constexpr int64_t kLongestMs = 3'600'000;
    delay_ms = std::clamp<int64_t>(*given, 0, kLongestMs);
  }
  const Status status = actions_.restart(ctx.Is(1, "restart"), delay_ms * 1000);
  ctx.engine().log().Warning("The server cannot be restarted: {}", status.error().message);
  ctx.Error("ERR failed to restart the server. Check server logs.");
}

void DebugCommands::Run(Context& ctx) {
  for (const Subcommand& subcommand : kSubcommands) {
    if (ctx.Is(1, subcommand.name) && ctx.size() >= subcommand.least && ctx.size() <= subcommand.most) {
      return subcommand.run(ctx);
    }
  }
  if (ctx.Is(1, "reload")) return actions_.reload(ctx);
  if ((ctx.Is(1, "restart") || ctx.Is(1, "crash-and-recover")) && ctx.size() <= 3) return Restart(ctx);
  if (ctx.Is(1, "loadaof") && ctx.size() == 2) return actions_.load_aof(ctx);
  if (ctx.Is(1, "change-repl-id") && ctx.size() == 2) return actions_.change_replication_id(ctx);
  if (ctx.Is(1, "set-active-expire") && ctx.size() == 3) {
    actions_.set_active_expiry(ParseInt64(ctx[2]).value_or(0) != 0);
    return ctx.reply().Ok();
  }
  if (ctx.Is(1, "config-rewrite-force-all") && ctx.size() == 2) {
    const Status status = actions_.rewrite_all_settings();
    if (!status) return ctx.Error("ERR CONFIG-REWRITE-FORCE-ALL failed: " + status.error().message);
    return ctx.reply().Ok();
  }
  if (ctx.Is(1, "aof-flush-sleep") && ctx.size() == 3) {
    SetAofWriteDelay(ctx);
    return actions_.configure_aof();
  }
  if (ctx.Is(1, "sleep") && ctx.size() == 3) {
    constexpr double kLongestSleepSeconds = 3600;
    const double seconds = std::clamp(ParseDouble(ctx[2]).value_or(0), 0.0, kLongestSleepSeconds);
    env::HoldUpThread(static_cast<int64_t>(seconds * 1e6));
    return ctx.reply().Ok();
  }
  ctx.Error(fmt::format("ERR unknown subcommand or wrong number of arguments for '{}'. Try DEBUG HELP.",
                        ctx[1].substr(0, 128)));
}

void DebugCommands::Register(engine::CommandTable& table) {
  table.Bind("debug", engine::MakeHandler<&DebugCommands::Run>(*this));
}

}  // namespace hearth::server
