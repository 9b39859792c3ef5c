#include "env/random.h"

#include <array>
#include <string_view>

namespace hearth::env {

std::string MakeId(Random& random) {
  std::array<std::byte, 20> bytes;
  random.Fill(bytes);
  std::string id;
  for (std::byte byte : bytes) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    id += kDigits[static_cast<size_t>(byte >> 4)];
    id += kDigits[static_cast<size_t>(byte & std::byte{15})];
  }
  return id;
}

}  // namespace hearth::env
