// A Sentinel among liars: arbitrary INFO, hellos, votes, PING replies and directives, in any order, with
// links that end at any time. Whatever state comes of it must load again as it was written.
#include <cstdint>
#include <string>
#include <vector>

#include "base/assert.h"
#include "base/text.h"
#include "fuzz_input.h"
#include "sentinel/core/machine.h"

namespace {

using hearth::FuzzInput;
using namespace hearth::sentinel;  // lint: allow using-namespace because the whole file speaks of one room

constexpr size_t kMaxSteps = 400;

class Liars {
 public:
  explicit Liars(FuzzInput input) : input_(input), machine_({"", 1, {}}, now_) {
    machine_.Load({"monitor", "mymaster", "127.0.0.1", "6379", "2"}, now_).value();
    machine_.Load({"down-after-milliseconds", "mymaster", "300"}, now_).value();
  }

  void Run() {
    for (int i = input_.Byte() % 8; i > 0; --i) LoadLine();
    Effects effects;
    machine_.FinishLoading(now_, effects).value();
    for (size_t steps = 0; steps < kMaxSteps && !input_.IsEmpty(); ++steps) {
      Act(effects);
      Note(effects);
      effects.clear();
    }
    CheckState();
  }

 private:
  void LoadLine() {
    const auto words = hearth::SplitArguments(input_.Text());
    if (!words) return;
    const auto loaded = machine_.Load(*words, now_);
    HEARTH_ASSERT(loaded || !loaded.error().message.empty());
  }
  void Note(const Effects& effects) {
    for (const Effect& effect : effects) {
      if (const auto* open = std::get_if<effect::OpenLink>(&effect)) links_.push_back(open->link);
    }
    if (links_.size() > 64) links_.erase(links_.begin(), links_.end() - 64);
  }
  LinkId ALink() { return links_.empty() ? 1 : links_[input_.Byte() % links_.size()]; }
  Reply AReply(int depth) {
    Reply reply{static_cast<Reply::Kind>(input_.Byte() % 6), static_cast<int64_t>(input_.Number()), "", {}};
    reply.text = input_.Text();
    if (reply.kind != Reply::Kind::kArray || depth > 2) return reply;
    for (int i = input_.Byte() % 5; i > 0; --i) reply.elements.push_back(AReply(depth + 1));
    return reply;
  }
  Reply ALikelyReply() {
    switch (input_.Byte() % 4) {
      case 0:
        return {Reply::Kind::kStatus, 0, "PONG", {}};
      case 1: {
        Reply reply{Reply::Kind::kText, 0, "role:", {}};
        reply.text += input_.Byte() % 2 == 0 ? "master\r\n" : "slave\r\n";
        for (int i = input_.Byte() % 6; i > 0; --i) reply.text.append(input_.Text()).append("\r\n");
        return reply;
      }
      default:
        return AReply(0);
    }
  }
  void Act(Effects& effects) {
    switch (input_.Byte() % 9) {
      case 0:
        now_.monotonic_ms += static_cast<int64_t>(input_.Byte()) * input_.Byte();
        return machine_.Step(now_, input::Tick{}, effects);
      case 1:
        return machine_.Step(now_, input::LinkOpened{ALink(), {"127.0.0.1", 1}}, effects);
      case 2:
        return machine_.Step(
            now_,
            input::LinkEnded{ALink(), static_cast<LinkEnd>(input_.Byte() % 5), std::string(input_.Text())},
            effects);
      case 3:
      case 4:
        return machine_.Step(now_, input::Replied{ALink(), ALikelyReply()}, effects);
      case 5:
        return machine_.Step(now_, input::Message{ALink(), "__sentinel__:hello", std::string(input_.Text())},
                             effects);
      case 6:
        return machine_.Step(now_, input::Hello{std::string(input_.Text())}, effects);
      case 7: {
        const std::string_view candidate = input_.Text();
        (void)machine_.AnswerVote(now_, {"127.0.0.1", 6379}, input_.Number(), candidate, effects);
        return;
      }
      default:
        return Ask(effects);
    }
  }
  void Ask(Effects& effects) {
    const auto words = hearth::SplitArguments(input_.Text()).value_or(std::vector<std::string>{});
    switch (input_.Byte() % 5) {
      case 0:
        (void)machine_.Set(now_, "mymaster", words, effects);
        return;
      case 1:
        (void)machine_.SetGlobals(now_, words, effects);
        return;
      case 2:
        (void)machine_.Failover(now_, "mymaster", effects);
        return;
      case 3:
        (void)machine_.Monitor(now_, std::string(input_.Text()), {std::string(input_.Text()), input_.Byte()},
                               1, effects);
        return;
      default:
        (void)machine_.Reset(now_, input_.Text(), effects);
    }
  }
  void CheckState() {
    const std::vector<std::string> lines = machine_.StateLines();
    Machine again({"", 2, {}}, now_);
    for (const std::string& line : lines) {
      auto words = hearth::SplitArguments(line);
      HEARTH_ASSERT(words && words->at(0) == "sentinel");
      words->erase(words->begin());
      HEARTH_ASSERT(again.Load(*words, now_));
    }
    HEARTH_ASSERT(again.current_epoch() == machine_.current_epoch() && again.my_id() == machine_.my_id());
    HEARTH_ASSERT(again.primaries().size() == machine_.primaries().size());
  }

  FuzzInput input_;
  Now now_{1'000, 1'000};
  Machine machine_;
  std::vector<LinkId> links_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Liars(FuzzInput(data, size)).Run();
  return 0;
}
