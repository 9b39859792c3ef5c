// Passwords of users: kept and compared as SHA-256 in hexadecimal. Pure: any thread may call it.
#pragma once

#include <string>
#include <string_view>

namespace hearth::engine {

// 64 lower-case hexadecimal digits.
std::string HashPassword(std::string_view password);

// Whether the text is what HashPassword gives.
bool IsPasswordHash(std::string_view text);

// Takes as long whatever the first difference is, so that timing tells nothing about the password.
bool IsSameHash(std::string_view a, std::string_view b);

}  // namespace hearth::engine
