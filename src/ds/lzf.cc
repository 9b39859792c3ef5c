#include "ds/lzf.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

#include "base/assert.h"

namespace hearth::ds {
namespace {

// Control bytes below this begin a run of bytes that stand for themselves.
constexpr unsigned kFirstReference = 32;
// A reference's length in three bits; the largest number says that a byte with more of it follows.
constexpr size_t kLongReference = 7;
constexpr size_t kShortestReference = 2;
// The longest run, and what a lane is.
constexpr size_t kLongestRun = kFirstReference;
constexpr size_t kLane = 16;
static_assert(kLzfSlackBytes >= kLongestRun && kLzfSlackBytes >= kLane);

// By distance: the least multiple of it that is no less than a lane.
constexpr auto kWideDistances = [] {
  std::array<uint8_t, kLane> wide{};
  for (size_t distance = 1; distance < kLane; ++distance) {
    wide[distance] = static_cast<uint8_t>((kLane + distance - 1) / distance * distance);
  }
  return wide;
}();

// Copies `size` bytes from `distance` bytes before; the last lane may go over the end. What lies less than a
// lane back repeats itself: behind its first lane, the same bytes stand as far back as a lane, too.
void CopyBack(char* to, size_t distance, size_t size, size_t room) {
  size_t done = 0;
  if (size + kLane > room) {
    for (; done < size; ++done) to[done] = (to - distance)[done];
    return;
  }
  if (distance < kLane) {
    for (const size_t first = std::min(size, kLane); done < first; ++done) to[done] = (to - distance)[done];
    distance = kWideDistances[distance];
  }
  for (; done < size; done += kLane) std::memcpy(to + done, to + done - distance, kLane);
}

}  // namespace

// Texts are short runs and short references in turn. Copies of a fixed size, which the compiler makes moves
// of, cost a fraction of those whose size is known only when they come; so they go over the end of what is
// to be copied wherever input and output have the room.
bool UnpackLzf(std::string_view packed, char* to, size_t size, size_t room) {
  HEARTH_ASSERT(size <= room);
  const char* from = packed.data();
  const char* const from_end = from + packed.size();
  char* at = to;
  char* const end = to + size;
  char* const room_end = to + room;
  while (from != from_end) {
    const unsigned control = static_cast<uint8_t>(*from++);
    const auto packed_left = static_cast<size_t>(from_end - from);
    const auto left = static_cast<size_t>(end - at);
    const auto room_left = static_cast<size_t>(room_end - at);
    if (control < kFirstReference) {
      const size_t run = control + 1;
      if (run > packed_left || run > left) return false;
      if (packed_left >= kLongestRun && room_left >= kLongestRun) [[likely]] {
        std::memcpy(at, from, kLongestRun);
      } else {
        std::memcpy(at, from, run);
      }
      from += run;
      at += run;
      continue;
    }
    size_t length = control >> 5;
    const bool is_long = length == kLongReference;
    if (packed_left < size_t{1} + is_long) return false;
    if (is_long) length += static_cast<uint8_t>(*from++);
    length += kShortestReference;
    const size_t distance = ((control & (kFirstReference - 1)) << 8 | static_cast<uint8_t>(*from++)) + 1;
    if (distance > static_cast<size_t>(at - to) || length > left) return false;
    CopyBack(at, distance, length, room_left);
    at += length;
  }
  return at == end;
}

}  // namespace hearth::ds
