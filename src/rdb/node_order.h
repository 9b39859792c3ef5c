// Puts the nodes of a captured list into their order. They come in the order in which they were captured;
// what changed during the cut was captured before its turn, and says which node it comes after.
//
// Used by whatever reads captured lists, on that reader's thread.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "keyspace/capture.h"

namespace hearth::rdb {

class NodeOrder {
 public:
  using NodeParts = keyspace::CapturedParts::NodeParts;

  // Takes a node, and calls `place(const NodeParts&)` for each that has its place now, in order. What has to
  // wait is copied.
  template <typename Place>
  void Add(const NodeParts& node, Place&& place) {
    if (node.after != 0) {
      waiting_[node.after].push_back(Waiting(node));
      return;
    }
    place(node);
    PlaceFollowers(node.self, place);
  }

  // True when every node has been placed.
  bool IsComplete() const { return waiting_.empty(); }

 private:
  struct Waiting {
    explicit Waiting(const NodeParts& node) : parts(node), bytes(node.bytes) {}

    NodeParts parts;  // without its bytes
    std::string bytes;
  };
  // Those that wait for one node, and how many of them have been placed.
  struct Followers {
    std::vector<Waiting> nodes;
    size_t placed = 0;
  };

  // A list that shrinks from its end leaves a chain as long as the list, so there is no recursion here.
  template <typename Place>
  void PlaceFollowers(uint64_t self, Place&& place) {
    std::vector<Followers> stack;
    Follow(self, stack);
    while (!stack.empty()) {
      Followers& top = stack.back();
      Waiting& node = top.nodes[top.placed++];
      node.parts.bytes = node.bytes;
      place(std::as_const(node.parts));
      const uint64_t next = node.parts.self;
      if (top.placed == top.nodes.size()) stack.pop_back();
      Follow(next, stack);
    }
  }
  void Follow(uint64_t self, std::vector<Followers>& stack) {
    const auto found = waiting_.find(self);
    if (found == waiting_.end()) return;
    stack.push_back({std::move(found->second)});
    waiting_.erase(found);
  }

  std::unordered_map<uint64_t, std::vector<Waiting>> waiting_;  // by the node that they come after
};

}  // namespace hearth::rdb
