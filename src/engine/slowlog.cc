#include "engine/slowlog.h"

#include <fmt/format.h>

namespace hearth::engine {
namespace {

constexpr size_t kMaxArguments = 32;
constexpr size_t kMaxArgumentBytes = 128;

}  // namespace

void Slowlog::Add(int64_t at_seconds, int64_t duration_us, std::span<const std::string_view> args,
                  std::string_view client_address, std::string_view client_name, size_t max_length) {
  SlowCommand entry{
      next_id_++, at_seconds, duration_us, {}, std::string(client_address), std::string(client_name)};
  const size_t shown = std::min(args.size(), kMaxArguments);
  for (size_t i = 0; i < shown; ++i) {
    if (args.size() > kMaxArguments && i == kMaxArguments - 1) {
      entry.args.push_back(fmt::format("... ({} more arguments)", args.size() - kMaxArguments + 1));
    } else if (args[i].size() > kMaxArgumentBytes) {
      entry.args.push_back(fmt::format("{}... ({} more bytes)", args[i].substr(0, kMaxArgumentBytes),
                                       args[i].size() - kMaxArgumentBytes));
    } else {
      entry.args.emplace_back(args[i]);
    }
  }
  entries_.push_front(std::move(entry));
  Trim(max_length);
}

}  // namespace hearth::engine
