// What those who keep and copy the dataset need of libraries of functions: their code, which is all that
// there is to keep of them. script/ has the libraries. Engine thread only.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/result.h"

namespace hearth::engine {

class FunctionLibraries {
 public:
  // What becomes of the libraries that are there.
  enum class Existing { kRefuseSameName, kReplaceSameName, kDropAll };

  virtual ~FunctionLibraries() = default;

  // The code of each library.
  virtual std::vector<std::string> Codes() const = 0;
  // Loads all of them or none. The error is the text after "ERR ".
  virtual Status Load(std::span<const std::string> codes, Existing existing) = 0;
};

}  // namespace hearth::engine
