// Composes the bytes of RDB by hand, old forms and broken ones too. For tests.
#pragma once

#include <bit>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/crc64.h"
#include "rdb/format.h"

namespace hearth::rdb::testing {

template <typename T>
std::string Little(T number) {
  std::string bytes(sizeof(T), '\0');
  StoreLittle(bytes.data(), number);
  return bytes;
}

inline std::string Big64(uint64_t number) {
  std::string bytes(8, '\0');
  StoreBig64(bytes.data(), number);
  return bytes;
}

class RdbBytes {
 public:
  RdbBytes& Raw(std::string_view bytes) {
    bytes_.append(bytes);
    return *this;
  }
  RdbBytes& Byte(int byte) {
    bytes_.push_back(static_cast<char>(byte));
    return *this;
  }
  RdbBytes& Type(ValueType type) { return Byte(static_cast<int>(type)); }
  RdbBytes& Op(Opcode opcode) { return Byte(static_cast<int>(opcode)); }
  // In the shortest form.
  RdbBytes& Length(uint64_t length) {
    if (length < 64) return Byte(static_cast<int>(length));
    if (length < 16384)
      return Byte(static_cast<int>(kLength14 | length >> 8)).Byte(static_cast<int>(length & 0xff));
    if (length > UINT32_MAX) return Byte(kLength64).Raw(Big64(length));
    return Byte(kLength32).Raw(Big64(length).substr(4));
  }
  RdbBytes& String(std::string_view text) { return Length(text.size()).Raw(text); }
  RdbBytes& Strings(std::initializer_list<std::string_view> texts) {
    for (std::string_view text : texts) String(text);
    return *this;
  }
  RdbBytes& Double(double number) { return Raw(Little(number)); }
  RdbBytes& Id(uint64_t ms, uint64_t seq) { return Raw(Big64(ms)).Raw(Big64(seq)); }

  const std::string& bytes() const { return bytes_; }
  // With the end of a file of that version.
  std::string Sealed() const {
    std::string sealed = bytes_ + static_cast<char>(Opcode::kEof);
    return sealed + Little(Crc64(0, sealed));
  }

 private:
  std::string bytes_;
};

// A ziplist. Canonical numbers are stored as such in the narrowest of the forms that the first versions knew;
// `old_numbers`: only 16, 32 and 64 bits, as before version 6.
inline std::string Ziplist(const std::vector<std::string>& elements) {
  std::string body;
  size_t previous = 0;
  size_t tail = 10;
  for (const std::string& element : elements) {
    std::string entry;
    if (previous < 254) {
      entry.push_back(static_cast<char>(previous));
    } else {
      entry.push_back('\xfe');
      entry += Little(static_cast<uint32_t>(previous));
    }
    const bool is_number = element.size() > 1 && element[0] == '#';
    if (is_number) {
      const long long number = std::stoll(element.substr(1));
      if (number >= 0 && number <= 12) {
        entry.push_back(static_cast<char>(0xf1 + number));
      } else if (number >= INT8_MIN && number <= INT8_MAX) {
        entry += '\xfe' + Little(static_cast<int8_t>(number));
      } else if (number >= INT16_MIN && number <= INT16_MAX) {
        entry += '\xc0' + Little(static_cast<int16_t>(number));
      } else if (number >= -(1 << 23) && number < 1 << 23) {
        entry += '\xf0' + Little(static_cast<int32_t>(number)).substr(0, 3);
      } else if (number >= INT32_MIN && number <= INT32_MAX) {
        entry += '\xd0' + Little(static_cast<int32_t>(number));
      } else {
        entry += '\xe0' + Little(static_cast<int64_t>(number));
      }
    } else if (element.size() < 64) {
      entry.push_back(static_cast<char>(element.size()));
      entry += element;
    } else if (element.size() < 16384) {
      entry.push_back(static_cast<char>(0x40 | element.size() >> 8));
      entry.push_back(static_cast<char>(element.size() & 0xff));
      entry += element;
    } else {
      entry.push_back('\x80');
      entry += Big64(element.size()).substr(4) + element;
    }
    tail = 10 + body.size();
    previous = entry.size();
    body += entry;
  }
  return Little(static_cast<uint32_t>(10 + body.size() + 1)) + Little(static_cast<uint32_t>(tail)) +
         Little(static_cast<uint16_t>(elements.size())) + body + '\xff';
}

// A zipmap of fields and values in turn; `unused` spare bytes stand behind each value.
inline std::string Zipmap(const std::vector<std::string>& pairs, int unused = 0) {
  const auto size_of = [](const std::string& text) {
    if (text.size() < 254) return std::string(1, static_cast<char>(text.size()));
    return '\xfe' + Little(static_cast<uint32_t>(text.size()));
  };
  std::string map(1, static_cast<char>(pairs.size() / 2));
  for (size_t i = 0; i < pairs.size(); i += 2) {
    map += size_of(pairs[i]) + pairs[i] + size_of(pairs[i + 1]) + static_cast<char>(unused) + pairs[i + 1];
    map.append(static_cast<size_t>(unused), 'x');
  }
  return map + '\xff';
}

template <typename T>
std::string IntsetBytes(std::initializer_list<T> numbers) {
  std::string bytes =
      Little(static_cast<uint32_t>(sizeof(T))) + Little(static_cast<uint32_t>(numbers.size()));
  for (T number : numbers) bytes += Little(number);
  return bytes;
}

}  // namespace hearth::rdb::testing
