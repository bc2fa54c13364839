// SPDX-License-Identifier: Apache-2.0
//
// PullSpout: the simplest way to write a spout, a function that is asked for rows. Nothing can be
// asked of it again, so what an attempt has pulled is lost when the attempt fails: every row is in
// at most one committed batch.
//
//   auto spout = PullSpout::Make(Fields(kReading), [&](Emit<double>& emit) {
//     if (std::optional<double> r = sensor.Next()) { emit(*r); return Pulled::kMore; }
//     return Pulled::kNothingNow;
//   });
#ifndef TRIDENT_TRIDENT_SPOUTS_PULL_SPOUT_H_
#define TRIDENT_TRIDENT_SPOUTS_PULL_SPOUT_H_

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "engine/spout.h"
#include "trident/functions/emit.h"
#include "trident/spouts/row_number.h"

namespace trident {

enum class Pulled : uint8_t {
  kMore,        // ask again
  kNothingNow,  // ask again after a while
  kEnd,         // never ask again
};

// Pulls until there are so many rows or no more now.
using PullSpoutFill = std::function<Pulled(uint64_t rows, Slice* out)>;

// Non-transactional, one source partition "pull". The function is called by one thread, an
// executor's: while it blocks, so does all else there.
class PullSpout final : public Spout {
 public:
  // `pull(emit)` emits any number of rows; their text is copied. It should emit few at a time: a
  // batch stops at its limits only between two calls. InvalidArgument: two fields of one name.
  template <class... Ts, class Pull>
  static StatusOr<std::shared_ptr<PullSpout>> Make(FieldList<Ts...> fields, Pull pull,
                                                   Nanos poll_nanos = kSpoutPollNanosDefault) {
    static_assert(std::is_invocable_r_v<Pulled, Pull&, Emit<Ts...>&>,
                  "PullSpout::Make takes a function of (Emit<Ts...>&) that returns Pulled");
    TRIDENT_ASSIGN_OR_RETURN(Schema made, Schema::Make(fields.Describe()));
    auto schema = std::make_shared<Schema>(std::move(made));
    auto fill = [schema, pull = std::make_shared<Pull>(std::move(pull))](uint64_t rows,
                                                                         Slice* out) {
      Emit<Ts...> emit;
      Pulled pulled = Pulled::kMore;
      while (pulled == Pulled::kMore && emit.rows() < rows) pulled = (*pull)(emit);
      const size_t got = emit.rows();
      *out = Slice(schema, emit.Take({}), got);
      return pulled;
    };
    return std::shared_ptr<PullSpout>(new PullSpout(schema, std::move(fill), poll_nanos));
  }

  SpoutKind kind() const override { return SpoutKind::kNonTransactional; }
  const SchemaRef& schema() const override { return schema_; }
  StatusOr<std::vector<std::string>> Partitions() override;
  StatusOr<std::unique_ptr<SourceReader>> OpenReader(const std::string& partition,
                                                     WakeUp wake_up) override;
  std::string Describe() const override { return "pull"; }

 private:
  PullSpout(SchemaRef schema, PullSpoutFill fill, Nanos poll_nanos)
      : schema_(std::move(schema)), fill_(std::move(fill)), poll_nanos_(poll_nanos) {}

  const SchemaRef schema_;
  const PullSpoutFill fill_;
  const Nanos poll_nanos_;
};

}  // namespace trident

#endif  // TRIDENT_TRIDENT_SPOUTS_PULL_SPOUT_H_
