#include "ds/quicklist.h"

#include <utility>

#include "base/assert.h"

namespace hearth::ds {
namespace {

// What an element may add to a listpack beside its text, for judging limits. Seldom so much, so that nodes
// end up a few bytes below their limit and never above.
constexpr size_t kEntryOverhead = 8;
// The limit of a node that is limited by its number of elements.
constexpr size_t kSafeBytes = 8192;
constexpr size_t kMaxElementsInNode = 32767;

}  // namespace

bool QuicklistLimits::Fits(size_t bytes, size_t count) const {
  if (fill < 0) {
    const int doublings = fill < -5 ? 4 : -fill - 1;
    return bytes <= size_t{4096} << doublings;
  }
  return bytes <= kSafeBytes && count <= static_cast<size_t>(fill == 0 ? 1 : fill);
}

// Holds one listpack node open for change: announces it, unpacks the node, and on the way out keeps the
// books and compresses it again if its place asks for that.
class Quicklist::Edit {
 public:
  Edit(Quicklist& list, Node* node) : pack(Open(list, node)), list_(list), node_(node) {}
  Edit(const Edit&) = delete;
  Edit& operator=(const Edit&) = delete;
  ~Edit() {
    node_->size = pack.TotalBytes();
    const auto count = static_cast<uint32_t>(pack.Length());
    list_.length_ = list_.length_ - node_->count + count;
    node_->count = count;
    node_->data = pack.Release();
    list_.data_bytes_ += node_->size;
    if (list_.limits_.compress_depth > 0) list_.Settle(node_);
  }

  Listpack pack;

 private:
  static Listpack Open(Quicklist& list, Node* node) {
    HEARTH_ASSERT(!node->is_plain);
    list.BeforeChange(node);
    list.SetCompressed(node, false);
    list.data_bytes_ -= node->size;
    return Listpack::Adopt(std::exchange(node->data, nullptr));
  }

  Quicklist& list_;
  Node* node_;
};

Quicklist::Quicklist(Listpack listpack, QuicklistLimits limits, const CutState* cuts)
    : limits_(limits), cuts_(cuts) {
  AppendListpack(std::move(listpack));
}

Quicklist& Quicklist::operator=(Quicklist&& other) noexcept {
  Quicklist taken(std::move(other));
  Swap(taken);
  return *this;
}

Quicklist::~Quicklist() {
  for (Node* node = head_; node != nullptr;) Node::Delete(std::exchange(node, node->next));
}

void Quicklist::Swap(Quicklist& other) noexcept {
  std::swap(head_, other.head_);
  std::swap(tail_, other.tail_);
  std::swap(length_, other.length_);
  std::swap(node_count_, other.node_count_);
  std::swap(data_bytes_, other.data_bytes_);
  std::swap(limits_, other.limits_);
  std::swap(cuts_, other.cuts_);
  std::swap(next_to_move_, other.next_to_move_);
}

Quicklist Quicklist::Clone() const {
  Quicklist copy(limits_, cuts_);
  for (const Node* node = head_; node != nullptr; node = node->next) {
    copy.Link(node->Clone(), copy.tail_);
  }
  return copy;
}

// --- nodes ---

void Quicklist::BeforeChange(Node* node) {
  if (cuts_ != nullptr && cuts_->active != 0) Capture(*node, CutState::kAllCuts);
}

void Quicklist::Capture(Node& node, uint8_t cuts) {
  const uint8_t missing = cuts_->Uncaptured(node.cut_bits) & cuts;
  if (missing == 0) return;
  cuts_->observer->CaptureNode(*this, node, missing);
  node.cut_bits = cuts_->WithCaptured(node.cut_bits, missing);
}

void Quicklist::MarkCaptured(uint8_t cuts) {
  for (Node* node = head_; node != nullptr; node = node->next) {
    node->cut_bits = cuts_->WithCaptured(node->cut_bits, cuts);
  }
}

bool Quicklist::Relocate(BlockMover& mover, size_t nodes) {
  HEARTH_ASSERT(cuts_ == nullptr || cuts_->active == 0);
  Node* node = next_to_move_ == nullptr ? head_ : next_to_move_;
  for (; nodes > 0 && node != nullptr; --nodes) {
    node->data = mover.Moved(node->data);
    node = mover.Moved(node);
    (node->previous == nullptr ? head_ : node->previous->next) = node;
    (node->next == nullptr ? tail_ : node->next->previous) = node;
    node = node->next;
  }
  next_to_move_ = node;
  return node != nullptr;
}

// Puts a new node behind `previous`, or first if that is null.
void Quicklist::Link(Node* node, Node* previous) {
  if (cuts_ != nullptr) node->cut_bits = cuts_->NewBits();
  node->previous = previous;
  node->next = previous == nullptr ? head_ : previous->next;
  (node->previous == nullptr ? head_ : node->previous->next) = node;
  (node->next == nullptr ? tail_ : node->next->previous) = node;
  ++node_count_;
  length_ += node->count;
  data_bytes_ += node->StoredBytes();
  Settle(node);
}

void Quicklist::Unlink(Node* node) {
  if (cuts_ != nullptr && cuts_->active != 0) cuts_->observer->OnNodeLeaves(*this, *node);
  if (next_to_move_ == node) next_to_move_ = node->next != nullptr ? node->next : node->previous;
  (node->previous == nullptr ? head_ : node->previous->next) = node->next;
  (node->next == nullptr ? tail_ : node->next->previous) = node->previous;
  --node_count_;
  length_ -= node->count;
  data_bytes_ -= node->StoredBytes();
}

void Quicklist::RemoveNode(Node* node) {
  BeforeChange(node);
  Unlink(node);
  Node::Delete(node);
  Settle(nullptr);
}

void Quicklist::SetCompressed(Node* node, bool compressed) {
  data_bytes_ -= node->StoredBytes();
  if (compressed) {
    node->Compress();
  } else {
    node->Decompress();
  }
  data_bytes_ += node->StoredBytes();
}

// Restores the rule of compress_depth after `changed` was changed or linked, or (null) a node was removed:
// only nodes near the ends can have moved across the border.
void Quicklist::Settle(Node* changed) {
  if (limits_.compress_depth == 0) return;
  Node* front = head_;
  Node* back = tail_;
  for (int i = 0; i < limits_.compress_depth && front != nullptr; ++i) {
    SetCompressed(front, false);
    SetCompressed(back, false);
    if (front == changed || back == changed) changed = nullptr;
    if (front == back || front->next == back) return;
    front = front->next;
    back = back->previous;
  }
  if (front == nullptr) return;
  if (changed != nullptr) SetCompressed(changed, true);
  SetCompressed(front, true);
  SetCompressed(back, true);
}

bool Quicklist::Accepts(const Node* node, std::string_view element) const {
  if (node == nullptr || node->is_plain || IsLarge(element) || node->count >= kMaxElementsInNode)
    return false;
  return limits_.Fits(node->size + element.size() + kEntryOverhead, node->count + 1);
}

void Quicklist::InsertNew(Node* previous, std::string_view element) {
  if (IsLarge(element)) {
    Link(Node::NewPlain(element), previous);
    return;
  }
  Listpack pack(Listpack::kEmptyBytes + element.size() + kEntryOverhead);
  pack.Append(element);
  Link(Node::New(std::move(pack)), previous);
}

void Quicklist::AppendListpack(Listpack listpack) {
  if (!listpack.View().IsEmpty()) Link(Node::New(std::move(listpack)), tail_);
}

void Quicklist::AppendPlain(std::string_view element) { Link(Node::NewPlain(element), tail_); }

std::optional<Listpack> Quicklist::TakeSingleListpack() {
  if (head_ == nullptr) return Listpack();
  if (head_ != tail_ || head_->is_plain) return std::nullopt;
  SetCompressed(head_, false);
  BeforeChange(head_);
  Node* node = head_;
  Unlink(node);
  Listpack taken = Listpack::Adopt(std::exchange(node->data, nullptr));
  Node::Delete(node);
  return taken;
}

// --- ends ---

void Quicklist::Push(End end, std::string_view element) {
  Node* node = end == End::kHead ? head_ : tail_;
  if (!Accepts(node, element)) {
    InsertNew(end == End::kHead ? nullptr : tail_, element);
    return;
  }
  Edit edit(*this, node);
  if (end == End::kHead) {
    edit.pack.Prepend(element);
  } else {
    edit.pack.Append(element);
  }
}

ListpackValue Quicklist::Peek(End end) const {
  const Node* node = end == End::kHead ? head_ : tail_;
  HEARTH_ASSERT(node != nullptr && !node->IsCompressed());
  if (node->is_plain) return {node->Stored(), 0, false};
  return node->View().Get(end == End::kHead ? node->View().First() : node->View().Last());
}

void Quicklist::Drop(End end) {
  Node* node = end == End::kHead ? head_ : tail_;
  HEARTH_ASSERT(node != nullptr);
  if (node->count == 1) {
    RemoveNode(node);
    return;
  }
  Edit edit(*this, node);
  edit.pack.Delete(end == End::kHead ? edit.pack.View().First() : edit.pack.View().Last());
}

std::optional<std::string> Quicklist::Pop(End end) {
  if (head_ == nullptr) return std::nullopt;
  std::string element = Peek(end).ToString();
  Drop(end);
  return element;
}

// --- in the middle ---

Quicklist::Iterator Quicklist::At(int64_t index) const {
  const auto length = static_cast<int64_t>(length_);
  if (index < 0) index += length;
  if (index < 0 || index >= length) return Iterator();
  Node* node = head_;
  if (index < length / 2) {
    for (; index >= node->count; node = node->next) index -= node->count;
  } else {
    int64_t start = length - tail_->count;
    for (node = tail_; index < start; start -= node->count) node = node->previous;
    index -= start;
  }
  Iterator at(node);
  if (!node->is_plain) at.position_ = at.View().Seek(index);
  return at;
}

void Quicklist::InsertBefore(Iterator& at, std::string_view element) { Insert(at, element, false); }
void Quicklist::InsertAfter(Iterator& at, std::string_view element) { Insert(at, element, true); }

void Quicklist::Insert(Iterator& at, std::string_view element, bool after) {
  HEARTH_ASSERT(at.IsValid());
  Node* node = at.node_;
  size_t position = at.position_;
  const bool at_edge = after ? at.IsLastInNode() : at.IsFirstInNode();
  if (!at_edge && after) position = at.View().Next(position);
  at = Iterator();
  if (Accepts(node, element)) {
    Edit edit(*this, node);
    if (at_edge && after) {
      edit.pack.Append(element);
    } else {
      edit.pack.InsertBefore(position, element);
    }
    return;
  }
  if (!at_edge) return InsertIntoSplit(node, position, element);
  Node* neighbour = after ? node->next : node->previous;
  if (!Accepts(neighbour, element)) return InsertNew(after ? node : node->previous, element);
  Edit edit(*this, neighbour);
  if (after) {
    edit.pack.Prepend(element);
  } else {
    edit.pack.Append(element);
  }
}

// Splits a full node before `position` and puts the element between the halves. Each part joins a neighbour
// if they fit together, so that many inserts in one place do not leave a chain of crumbs.
void Quicklist::InsertIntoSplit(Node* node, size_t position, std::string_view element) {
  Listpack rest = [&] {
    Edit edit(*this, node);
    return edit.pack.SplitOff(position);
  }();
  Link(Node::New(std::move(rest)), node);
  Node* behind = node->next;
  if (Accepts(node, element)) {
    Edit edit(*this, node);
    edit.pack.Append(element);
  } else {
    InsertNew(node, element);
  }
  MergeWithNext(behind);
  if (node->previous != nullptr) MergeWithNext(node->previous);
}

// Moves the elements of the next node into this one, if both are listpacks and fit together.
void Quicklist::MergeWithNext(Node* node) {
  Node* next = node->next;
  if (next == nullptr || node->is_plain || next->is_plain) return;
  const size_t count = node->count + next->count;
  if (count > kMaxElementsInNode || !limits_.Fits(node->size + next->size - Listpack::kEmptyBytes, count))
    return;
  BeforeChange(next);
  SetCompressed(next, false);
  {
    // Nothing is compressed again before the edit ends, so that `next` stays readable.
    Edit edit(*this, node);
    edit.pack.AppendAll(next->View());
  }
  Unlink(next);
  Node::Delete(next);
  Settle(nullptr);
}

void Quicklist::Replace(Iterator& at, std::string_view element) {
  HEARTH_ASSERT(at.IsValid());
  Node* node = at.node_;
  const size_t position = at.position_;
  if (node->count == 1) {
    at = Iterator();
    return ReplaceNode(node, element);
  }
  const size_t old_bytes = at.View().EntryBytesAt(position);
  if (!IsLarge(element) &&
      limits_.Fits(node->size - old_bytes + element.size() + kEntryOverhead, node->count)) {
    at = Iterator();
    Edit edit(*this, node);
    edit.pack.Replace(position, element);
    return;
  }
  // The new element has no room here: take the old one out, and insert where it stood.
  const bool was_last = at.IsLastInNode();
  at = Iterator();
  {
    Edit edit(*this, node);
    edit.pack.Delete(position);
  }
  Iterator place(node);
  place.position_ = was_last ? place.View().Last() : position;
  Insert(place, element, was_last);
}

// Replaces a node that holds one element by a node of the kind that the new element needs.
void Quicklist::ReplaceNode(Node* node, std::string_view element) {
  InsertNew(node, element);
  RemoveNode(node);
}

void Quicklist::Delete(Iterator& at, bool backward) {
  HEARTH_ASSERT(at.IsValid());
  Node* node = at.node_;
  const size_t position = at.position_;
  const bool leaves_node = backward ? at.IsFirstInNode() : at.IsLastInNode();
  const size_t previous = backward && !leaves_node ? at.View().Previous(position) : position;
  Node* neighbour = backward ? node->previous : node->next;
  at = Iterator();
  if (node->count == 1) {
    RemoveNode(node);
  } else {
    Edit edit(*this, node);
    edit.pack.Delete(position);
  }
  at.Enter(leaves_node ? neighbour : node);
  if (!at.IsValid() || at.node_->is_plain) return;
  if (leaves_node) {
    at.position_ = backward ? at.View().Last() : at.View().First();
  } else {
    at.position_ = previous;
  }
}

size_t Quicklist::DeleteRange(int64_t start, size_t count) {
  const Iterator at = At(start);
  if (!at.IsValid()) return 0;
  Node* node = at.node_;
  size_t position = at.position_;
  bool from_first = at.IsFirstInNode();
  const size_t before = length_;
  for (size_t left = count; left > 0 && node != nullptr;) {
    Node* next = node->next;
    if (from_first && node->count <= left) {
      left -= node->count;
      RemoveNode(node);
    } else {
      const uint32_t node_count = node->count;
      {
        Edit edit(*this, node);
        edit.pack.Delete(from_first ? edit.pack.View().First() : position, left);
      }
      left -= node_count - node->count;
    }
    node = next;
    from_first = true;
  }
  return before - length_;
}

// --- iterator ---

void Quicklist::Iterator::Enter(Node* node) {
  node_ = node;
  position_ = 0;
  unpacked_.reset();
  if (node == nullptr) return;
  bytes_ = node->data;
  if (node->IsCompressed()) {
    unpacked_ = std::make_unique_for_overwrite<uint8_t[]>(node->size);
    node->CopyUncompressed(unpacked_.get());
    bytes_ = unpacked_.get();
  }
}

ListpackValue Quicklist::Iterator::Value() const {
  if (node_->is_plain) return {{reinterpret_cast<const char*>(bytes_), node_->size}, 0, false};
  return View().Get(position_);
}

bool Quicklist::Iterator::Equals(std::string_view text) const {
  return node_->is_plain ? Value().text == text : View().Equals(position_, text);
}

void Quicklist::Iterator::Next() {
  if (!node_->is_plain) {
    position_ = View().Next(position_);
    if (position_ != ListpackView::kNone) return;
  }
  Enter(node_->next);
  if (IsValid() && !node_->is_plain) position_ = View().First();
}

void Quicklist::Iterator::Previous() {
  if (!node_->is_plain) {
    position_ = View().Previous(position_);
    if (position_ != ListpackView::kNone) return;
  }
  Enter(node_->previous);
  if (IsValid() && !node_->is_plain) position_ = View().Last();
}

bool Quicklist::Iterator::FindForward(std::string_view text) {
  while (IsValid()) {
    if (node_->is_plain) {
      if (Equals(text)) return true;
    } else if (const auto found = View().Find(text, position_, 0); found != ListpackView::kNone) {
      position_ = found;
      return true;
    }
    Enter(node_->next);
    if (IsValid() && !node_->is_plain) position_ = View().First();
  }
  return false;
}

}  // namespace hearth::ds
