// What is known about every command before any handler runs: arity, flags, ACL categories, key positions,
// arguments and documentation, as spec/commands/*.json states them. spec/generate.py turns those files into
// constant tables; the engine's command table pairs each entry with its handler. Immutable, so any thread may
// read it.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace hearth::engine {

// Flags of a command. The bits up to kShownCommandFlags are in the order in which COMMAND lists them; those
// after steer the engine and are never shown.
enum CommandFlag : uint32_t {
  kCommandWrite = 1u << 0,
  kCommandReadonly = 1u << 1,
  kCommandDenyOom = 1u << 2,
  kCommandModule = 1u << 3,
  kCommandAdmin = 1u << 4,
  kCommandPubSub = 1u << 5,
  kCommandNoScript = 1u << 6,
  kCommandBlocking = 1u << 7,
  kCommandLoading = 1u << 8,  // allowed while the data set is loading
  kCommandStale = 1u << 9,    // allowed on a replica whose link is down and which must not serve stale data
  kCommandSkipMonitor = 1u << 10,
  kCommandSkipSlowlog = 1u << 11,
  kCommandAsking = 1u << 12,
  kCommandFast = 1u << 13,
  kCommandNoAuth = 1u << 14,  // allowed before authentication
  kCommandNoMandatoryKeys = 1u << 15,
  kCommandNoAsyncLoading = 1u << 16,
  kCommandNoMulti = 1u << 17,
  kCommandMovableKeys = 1u << 18,  // the legacy first/last/step triple does not find every key
  kCommandAllowBusy = 1u << 19,    // allowed while a script has outrun busy-reply-threshold
  kShownCommandFlags = 20,
  kCommandProtected = 1u << 20,             // needs enable-debug-command or enable-module-command
  kCommandMayReplicate = 1u << 21,          // no write, yet its effect may go to replicas (PUBLISH, EVAL)
  kCommandTouchesArbitraryKeys = 1u << 22,  // may touch keys that its arguments do not name
  kCommandSentinel = 1u << 23,              // exists in Sentinel mode too
  kCommandOnlySentinel = 1u << 24,          // exists in Sentinel mode alone
  kCommandSpecialKeys = 1u << 25,  // its keys come from a function of its own where the specs fall short
};

// Names of the flags for COMMAND, by bit number.
inline constexpr std::array<std::string_view, kShownCommandFlags> kCommandFlagNames = {
    "write",
    "readonly",
    "denyoom",
    "module",
    "admin",
    "pubsub",
    "noscript",
    "blocking",
    "loading",
    "stale",
    "skip_monitor",
    "skip_slowlog",
    "asking",
    "fast",
    "no_auth",
    "no_mandatory_keys",
    "no_async_loading",
    "no_multi",
    "movablekeys",
    "allow_busy",
};

// ACL categories, in the order in which COMMAND and ACL CAT list them.
enum AclCategory : uint32_t {
  kAclKeyspace = 1u << 0,
  kAclRead = 1u << 1,
  kAclWrite = 1u << 2,
  kAclSet = 1u << 3,
  kAclSortedSet = 1u << 4,
  kAclList = 1u << 5,
  kAclHash = 1u << 6,
  kAclString = 1u << 7,
  kAclBitmap = 1u << 8,
  kAclHyperLogLog = 1u << 9,
  kAclGeo = 1u << 10,
  kAclStream = 1u << 11,
  kAclPubSub = 1u << 12,
  kAclAdmin = 1u << 13,
  kAclFast = 1u << 14,
  kAclSlow = 1u << 15,
  kAclBlocking = 1u << 16,
  kAclDangerous = 1u << 17,
  kAclConnection = 1u << 18,
  kAclTransaction = 1u << 19,
  kAclScripting = 1u << 20,
  kAclCategoryCount = 21,
};

// Names of the categories without their '@', by bit number.
inline constexpr std::array<std::string_view, kAclCategoryCount> kAclCategoryNames = {
    "keyspace", "read",   "write",       "set",       "sortedset",  "list",        "hash",
    "string",   "bitmap", "hyperloglog", "geo",       "stream",     "pubsub",      "admin",
    "fast",     "slow",   "blocking",    "dangerous", "connection", "transaction", "scripting",
};

// What a command does with the keys of one key specification.
enum KeyFlag : uint16_t {
  kKeyReadOnly = 1u << 0,   // "RO"
  kKeyReadWrite = 1u << 1,  // "RW"
  kKeyOverwrite = 1u << 2,  // "OW"
  kKeyRemove = 1u << 3,     // "RM"
  kKeyAccess = 1u << 4,     // the value is returned, copied or used
  kKeyUpdate = 1u << 5,
  kKeyInsert = 1u << 6,
  kKeyDelete = 1u << 7,
  kKeyNotKey = 1u << 8,  // hashed to a slot like a key, but not a key (shard channels)
  kKeyIncomplete = 1u << 9,
  kKeyVariableFlags = 1u << 10,
  kKeyFlagCount = 11,
};

inline constexpr std::array<std::string_view, kKeyFlagCount> kKeyFlagNames = {
    "RO",     "RW",     "OW",      "RM",         "access",        "update",
    "insert", "delete", "not_key", "incomplete", "variable_flags"};

enum class BeginSearch : uint8_t { kUnknown, kIndex, kKeyword };
enum class FindKeys : uint8_t { kUnknown, kRange, kKeyNum };

// Where one group of a command's keys stands: `begin` finds the first argument, `find` the keys from there.
struct KeySpec {
  uint16_t flags = 0;  // KeyFlag bits
  BeginSearch begin = BeginSearch::kUnknown;
  int index = 0;             // kIndex: position of the first argument; the command's name is 0
  std::string_view keyword;  // kKeyword: the word just before the keys, any case
  int start_from = 0;        // kKeyword: where to begin looking; negative means from the end, backwards
  FindKeys find = FindKeys::kUnknown;
  int last_key = 0;  // kRange: relative to the first key; -1 is the last argument, -2 the one before it
  int step = 1;      // kRange, kKeyNum: distance from key to key
  int limit = 0;     // kRange with last_key -1: stop at 1/limit of the rest; 0 and 1 mean no limit
  int key_count_index = 0;  // kKeyNum: position of the number of keys, relative to the first argument
  int first_key = 0;        // kKeyNum: position of the first key, relative to the first argument
  std::string_view notes;
};

enum class ArgumentType : uint8_t {
  kString,
  kInteger,
  kDouble,
  kKey,
  kPattern,
  kUnixTime,
  kPureToken,
  kOneOf,
  kBlock,
};

inline constexpr std::array<std::string_view, 9> kArgumentTypeNames = {
    "string", "integer", "double", "key", "pattern", "unix-time", "pure-token", "oneof", "block"};

// One node of a command's argument tree, as COMMAND DOCS shows it.
struct CommandArgument {
  std::string_view name;
  ArgumentType type = ArgumentType::kString;
  std::string_view display_text;  // shown to people in place of the name, empty for none
  std::string_view token;   // the word before the value, empty for none; "\"\"" stands for the empty string
  int key_spec_index = -1;  // into CommandFacts::key_specs, -1 for none
  std::string_view since;
  std::string_view deprecated_since;
  bool is_optional = false;
  bool is_multiple = false;
  bool repeats_token = false;  // a multiple argument writes its token before each value
  std::span<const CommandArgument> arguments;
};

struct CommandChange {
  std::string_view version;
  std::string_view description;
};

enum class CommandSupport : uint8_t { kSupported, kDiffers, kMissing };

struct CommandFacts {
  std::string_view name;       // lower case, without its container: "set" of "config|set"
  std::string_view full_name;  // as COMMAND replies it: "config|set"
  std::string_view container;  // "config", empty for a top-level command
  std::string_view group;      // as COMMAND DOCS names it: "sorted-set"
  std::string_view since;
  int arity = 0;                // with the command's name(s); negative: at least that many
  uint32_t flags = 0;           // CommandFlag bits
  uint32_t acl_categories = 0;  // AclCategory bits, those that follow from flags included
  int first_key = 0;            // the legacy triple of COMMAND
  int last_key = 0;
  int key_step = 0;
  std::span<const KeySpec> key_specs;
  std::span<const std::string_view> tips;
  std::string_view summary;
  std::string_view complexity;
  bool is_system_command = false;     // doc flag "syscmd"
  std::string_view deprecated_since;  // empty if it is not deprecated (doc flag "deprecated")
  std::string_view replaced_by;
  std::span<const CommandChange> history;
  std::span<const CommandArgument> arguments;
  std::span<const CommandFacts> subcommands;
  std::string_view origin;  // the server that first had it: "redis-7.2", "redis-7.4", "valkey-8.0"
  CommandSupport support = CommandSupport::kSupported;
  std::string_view support_note;  // for kDiffers and kMissing: how, or why
};

// Every top-level command in order of name, with its subcommands inside.
std::span<const CommandFacts> AllCommandFacts();

}  // namespace hearth::engine
