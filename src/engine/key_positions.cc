#include "engine/key_positions.h"

#include <algorithm>
#include <optional>

#include "base/numbers.h"
#include "base/text.h"

namespace hearth::engine {
namespace {

using Arguments = std::span<const std::string_view>;

// The first argument that a specification is about; nothing if its keyword is absent.
std::optional<int> FindBegin(const KeySpec& spec, Arguments args) {
  if (spec.begin == BeginSearch::kIndex) return spec.index;
  const int count = static_cast<int>(args.size());
  const bool is_forward = spec.start_from > 0;
  const int step = is_forward ? 1 : -1;
  // The keyword has to be followed by something, hence not the last argument.
  const int start = is_forward ? spec.start_from : count + spec.start_from;
  for (int i = start; i >= 1 && i < count - 1; i += step) {
    if (EqualsIgnoreCase(args[i], spec.keyword)) return i + 1;
  }
  return std::nullopt;
}

bool AddRange(const KeySpec& spec, Arguments args, int first, std::vector<KeyPosition>& keys) {
  const int count = static_cast<int>(args.size());
  int last = first + spec.last_key;
  if (spec.last_key < 0) {
    last = (spec.limit <= 1 ? count : first + (count - first) / spec.limit) + spec.last_key;
  }
  if (first >= count || last >= count || last < first) return false;
  for (int i = first; i <= last; i += spec.step) keys.push_back({static_cast<uint32_t>(i), spec.flags});
  return true;
}

// What follows the digits is passed over: only the command itself minds it. 0 if there is none.
int64_t LeadingNumber(std::string_view text) {
  constexpr int64_t kEnough = 1'000'000'000;
  int64_t number = 0;
  for (const char digit : text) {
    if (digit < '0' || digit > '9' || number > kEnough) break;
    number = number * 10 + (digit - '0');
  }
  return number;
}

bool AddCounted(const KeySpec& spec, Arguments args, int first, std::vector<KeyPosition>& keys) {
  const int count = static_cast<int>(args.size());
  const int count_at = first + spec.key_count_index;
  if (count_at >= count) return false;
  const int64_t key_count = LeadingNumber(args[count_at]);
  const int key = first + spec.first_key;
  if (key_count < 1 || key_count > (count - key) / spec.step) return false;
  for (int i = 0; i < key_count; ++i)
    keys.push_back({static_cast<uint32_t>(key + i * spec.step), spec.flags});
  return true;
}

bool FindBySpecs(const CommandFacts& facts, Arguments args, std::vector<KeyPosition>& keys) {
  for (const KeySpec& spec : facts.key_specs) {
    if (spec.begin == BeginSearch::kUnknown || spec.find == FindKeys::kUnknown) continue;
    const auto first = FindBegin(spec, args);
    if (!first) continue;
    const bool fits = spec.find == FindKeys::kRange ? AddRange(spec, args, *first, keys)
                                                    : AddCounted(spec, args, *first, keys);
    if (!fits) return false;
  }
  return true;
}

// The last STORE decides; words that are values of other options are passed over.
void FindSortKeys(Arguments args, std::vector<KeyPosition>& keys) {
  keys.push_back({1, kKeyReadOnly | kKeyAccess});
  size_t store = 0;
  for (size_t i = 2; i < args.size(); ++i) {
    if (EqualsIgnoreCase(args[i], "limit")) {
      i += 2;
    } else if (EqualsIgnoreCase(args[i], "get") || EqualsIgnoreCase(args[i], "by")) {
      i += 1;
    } else if (EqualsIgnoreCase(args[i], "store") && i + 1 < args.size()) {
      store = ++i;
    }
  }
  if (store != 0) keys.push_back({static_cast<uint32_t>(store), kKeyOverwrite | kKeyUpdate});
}

// Either the one key, or an empty one and a list after KEYS; credentials may look like that word.
bool FindMigrateKeys(Arguments args, std::vector<KeyPosition>& keys) {
  constexpr uint16_t kFlags = kKeyReadWrite | kKeyAccess | kKeyDelete;
  for (size_t i = 6; i < args.size(); ++i) {
    if (EqualsIgnoreCase(args[i], "auth")) {
      i += 1;
    } else if (EqualsIgnoreCase(args[i], "auth2")) {
      i += 2;
    } else if (EqualsIgnoreCase(args[i], "keys")) {
      if (!args[3].empty()) return false;
      for (size_t key = i + 1; key < args.size(); ++key) keys.push_back({static_cast<uint32_t>(key), kFlags});
      return true;
    }
  }
  keys.push_back({3, kFlags});
  return true;
}

void FindSetKeys(Arguments args, std::vector<KeyPosition>& keys) {
  const bool returns_old = std::any_of(args.begin() + std::min<size_t>(3, args.size()), args.end(),
                                       [](std::string_view word) { return EqualsIgnoreCase(word, "get"); });
  const uint16_t flags = returns_old ? kKeyReadWrite | kKeyAccess | kKeyUpdate : kKeyOverwrite | kKeyUpdate;
  keys.push_back({1, flags});
}

void FindBitfieldKeys(Arguments args, std::vector<KeyPosition>& keys) {
  bool is_read_only = true;
  for (size_t i = 2; i < args.size() && is_read_only; ++i) {
    const size_t left = args.size() - i - 1;
    if (EqualsIgnoreCase(args[i], "get") && left >= 2) {
      i += 2;
    } else if (EqualsIgnoreCase(args[i], "overflow") && left >= 1) {
      i += 1;
    } else {
      is_read_only = false;
    }
  }
  const uint16_t flags = is_read_only ? kKeyReadOnly | kKeyAccess : kKeyReadWrite | kKeyAccess | kKeyUpdate;
  keys.push_back({1, flags});
}

}  // namespace

bool HasKeys(const CommandFacts& facts) {
  return (facts.flags & kCommandSpecialKeys) != 0 ||
         std::any_of(facts.key_specs.begin(), facts.key_specs.end(),
                     [](const KeySpec& spec) { return (spec.flags & kKeyNotKey) == 0; });
}

bool FindKeys(const CommandFacts& facts, std::span<const std::string_view> args,
              std::vector<KeyPosition>& keys) {
  if ((facts.flags & kCommandSpecialKeys) != 0) {
    if (facts.name == "set") return FindSetKeys(args, keys), true;
    if (facts.name == "bitfield") return FindBitfieldKeys(args, keys), true;
    if (facts.name == "sort") return FindSortKeys(args, keys), true;
    if (facts.name == "migrate") return FindMigrateKeys(args, keys);
  }
  return FindBySpecs(facts, args, keys);
}

}  // namespace hearth::engine
