// SPDX-License-Identifier: Apache-2.0
//
// A LogSource made of functions, with any positions and fields.
#ifndef TRIDENT_TESTS_TRIDENT_SPOUTS_FUNCTION_LOG_H_
#define TRIDENT_TESTS_TRIDENT_SPOUTS_FUNCTION_LOG_H_

#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "trident/spouts/log_spout.h"

namespace trident::testing {

// Gives what `next` gives, of one source partition "p".
template <class At, class... Ts>
class FunctionSource final : public LogSource<At, Ts...> {
 public:
  using typename LogSource<At, Ts...>::Reader;
  using typename LogSource<At, Ts...>::WakeUp;
  using NextFunction = std::function<StatusOr<LogStep<At>>(const At& at, Emit<Ts...>& emit)>;
  using SeekFunction = std::function<Status(const At& at)>;

  explicit FunctionSource(NextFunction next, SeekFunction seek = nullptr)
      : next_(std::move(next)), seek_(std::move(seek)) {}
  StatusOr<std::vector<std::string>> Partitions() override { return names; }
  StatusOr<std::unique_ptr<Reader>> Open(const std::string& partition, WakeUp) override {
    if (partition == "null") return std::unique_ptr<Reader>();
    if (partition == "throws") throw std::runtime_error("no such luck");
    return std::make_unique<FunctionReader>(next_, seek_);
  }

  std::vector<std::string> names = {"p"};

 private:
  class FunctionReader final : public Reader {
   public:
    FunctionReader(NextFunction next, SeekFunction seek)
        : next_(std::move(next)), seek_(std::move(seek)) {}
    Status Seek(const At& at) override {
      at_ = at;
      return seek_ ? seek_(at) : absl::OkStatus();
    }
    StatusOr<LogStep<At>> Next(Emit<Ts...>& emit) override {
      TRIDENT_ASSIGN_OR_RETURN(LogStep<At> step, next_(at_, emit));
      using Kind = typename LogStep<At>::Kind;
      if (step.kind() == Kind::kMoved || step.kind() == Kind::kCut) at_ = step.behind();
      return step;
    }
    void Committed(TxId, const At&) override { throw std::runtime_error("cannot acknowledge"); }

   private:
    const NextFunction next_;
    const SeekFunction seek_;
    At at_ = At();
  };

  const NextFunction next_;
  const SeekFunction seek_;
};

}  // namespace trident::testing

#endif  // TRIDENT_TESTS_TRIDENT_SPOUTS_FUNCTION_LOG_H_
