// SPDX-License-Identifier: Apache-2.0
//
// PullSpout: the simplest way to write a spout, a function that is asked for rows. Rows are kept in
// memory until the batch with them is committed, so an attempt that fails is made again with the
// same rows. Those that are not committed when the process ends are lost, because the function
// cannot be asked for them again: every row is in at most one committed batch.
//
//   auto spout = PullSpout::Make(Fields(kReading), {}, [&](Emit<double>& emit) {
//     if (std::optional<double> r = sensor.Next()) { emit(*r); return Pulled::kMore; }
//     return Pulled::kNothingNow;
//   });
#ifndef TRIDENT_TRIDENT_SPOUTS_PULL_SPOUT_H_
#define TRIDENT_TRIDENT_SPOUTS_PULL_SPOUT_H_

#include <exception>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/limits.h"
#include "base/status.h"
#include "engine/data/field.h"
#include "engine/data/slice.h"
#include "trident/functions/emit.h"
#include "trident/spouts/spout_fields.h"

namespace trident {

class Spout;

enum class Pulled : uint8_t {
  kMore,        // ask again
  kNothingNow,  // ask again after a while
  kEnd,         // never ask again
};

struct PullOptions {
  // How often a function that had nothing is asked again.
  Nanos poll_nanos = kSpoutPollNanosDefault;
};

// Pulls until there are `rows` rows, or no more now.
using PullSpoutFill = std::function<Pulled(uint64_t rows, Slice* out)>;

// An opaque spout with one source partition, "pull". The function is called by one
// thread, which belongs to an executor: while a call blocks, so does everything else there.
class PullSpout {
 public:
  // `pull(emit)` emits any number of rows; their text is copied. It should emit few at a time,
  // because a batch stops at its limits only between two calls. If a call throws, what was emitted
  // before counts, and the next batch meets the exception. InvalidArgument if there are no
  // fields, two have one name, or poll_nanos is below 1.
  template <class... Ts, class Pull>
  static StatusOr<std::shared_ptr<Spout>> Make(FieldList<Ts...> fields, PullOptions options,
                                               Pull pull) {
    static_assert(std::is_invocable_r_v<Pulled, Pull&, Emit<Ts...>&>,
                  "PullSpout::Make takes a function of (Emit<Ts...>&) that returns Pulled");
    TRIDENT_ASSIGN_OR_RETURN(SchemaRef schema, SchemaOfSpout("PullSpout", fields.Describe()));
    auto fill = [schema, pull = std::make_shared<Pull>(std::move(pull)),
                 thrown = std::exception_ptr()](uint64_t rows, Slice* out) mutable {
      if (thrown) std::rethrow_exception(std::exchange(thrown, nullptr));
      Emit<Ts...> emit;
      Pulled pulled = Pulled::kMore;
      try {
        while (pulled == Pulled::kMore && emit.rows() < rows) pulled = (*pull)(emit);
      } catch (...) {
        if (emit.rows() == 0) throw;
        thrown = std::current_exception();
      }
      const size_t got = emit.rows();
      *out = Slice(schema, emit.Take({}), got);
      return pulled;
    };
    return MakeOf(schema, options, std::move(fill));
  }

  PullSpout() = delete;

 private:
  static StatusOr<std::shared_ptr<Spout>> MakeOf(SchemaRef schema, PullOptions options,
                                                 PullSpoutFill fill);
};

}  // namespace trident

#endif  // TRIDENT_TRIDENT_SPOUTS_PULL_SPOUT_H_
