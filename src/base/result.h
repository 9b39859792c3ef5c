// Result<T>: what an operation gives that the world can make fail (input, files, sockets, limits).
// What only a mistake of ours can make fail is HEARTH_ASSERT (assert.h) instead. No exceptions cross folders.
#pragma once

#include <expected>
#include <string>
#include <utility>

namespace hearth {

// Why an operation failed, in words for a person: what was wrong, where, what to do.
// `code` is an errno where the system gave one, else 0.
struct [[nodiscard]] Error {
  std::string message;
  int code = 0;
};

template <typename T>
using Result = std::expected<T, Error>;

using Status = Result<void>;

inline std::unexpected<Error> Fail(std::string message, int code = 0) {
  return std::unexpected(Error{std::move(message), code});
}

}  // namespace hearth

// Leaves the calling function with the error of `expression`, if it has one.
#define HEARTH_TRY(expression)                                       \
  do {                                                               \
    if (auto&& try_result_ = (expression); !try_result_.has_value()) \
      return std::unexpected(std::move(try_result_).error());        \
  } while (false)
