package io.gorgon.dspy;

import io.gorgon.message.Call;
import io.gorgon.message.Reply;
import io.gorgon.stream.CallFlow;
import java.util.Optional;
import org.apache.pekko.NotUsed;
import org.apache.pekko.japi.Pair;
import org.apache.pekko.stream.javadsl.Source;

/** This judges one program by one metric. */
final class Scoring {

  private final Desk desk;
  private final String name;
  private final Metric metric;

  Scoring(Desk desk, String name, Metric metric) {
    this.desk = desk;
    this.name = name;
    this.metric = metric;
  }

  /**
   * Each example as it was answered and judged, in their order; all by the program as it is now.
   */
  Source<Scored, NotUsed> of(Source<Example, ?> examples) {
    return Source.lazyCompletionStageSource(
            () -> desk.find(name).thenApply(found -> of(examples, found)))
        .mapMaterializedValue(any -> NotUsed.getInstance())
        .mapError(Throwable.class, Running::typed);
  }

  private Source<Scored, ?> of(Source<Example, ?> examples, Desk.Found found) {
    return examples
        .zipWithIndex()
        .via(
            CallFlow.<Pair<Example, Long>, Scored>ordered(
                desk.parallel(), each -> score(each.first(), each.second(), found)));
  }

  private Running<Scored> score(Example example, long index, Desk.Found found) {
    Call call =
        Call.of(
            Desk.MODULE + "score",
            name,
            found.packed(),
            example.wire(),
            metric.wire(),
            found.how());
    return desk.anywhere(call, reply -> scored(example, index, reply))
        .otherwise(
            failure -> new Scored(index, example, 0, Optional.empty(), Optional.of(failure)));
  }

  private static Scored scored(Example example, long index, Reply reply) {
    return new Scored(
        index,
        example,
        reply.tree().path("score").asDouble(),
        Optional.of(Prediction.read(reply.tree())),
        Optional.empty());
  }
}
