// Cuts a fuzzer's input into the choices, numbers and texts that drive a sequence of operations.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace hearth {

class FuzzInput {
 public:
  FuzzInput(const uint8_t* data, size_t size) : left_(reinterpret_cast<const char*>(data), size) {}

  bool IsEmpty() const { return left_.empty(); }
  // The next byte; 0 when the input is used up.
  uint8_t Byte() {
    if (left_.empty()) return 0;
    const auto byte = static_cast<uint8_t>(left_[0]);
    left_.remove_prefix(1);
    return byte;
  }
  uint64_t Number() {
    uint64_t number = 0;
    for (int bytes = Byte() % 9; bytes > 0; --bytes) number = number << 8 | Byte();
    return number;
  }
  // A text of up to 255 bytes.
  std::string_view Text() {
    const size_t wanted = Byte();
    const std::string_view text = left_.substr(0, wanted);
    left_.remove_prefix(text.size());
    return text;
  }
  std::string_view Rest() const { return left_; }

 private:
  std::string_view left_;
};

}  // namespace hearth
