package io.gorgon.dspy;

import io.gorgon.RunningCall;
import io.gorgon.message.Call;
import io.gorgon.message.Chunk;
import io.gorgon.message.Reply;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.pekko.NotUsed;
import org.apache.pekko.stream.javadsl.Source;

/** This runs programs: those of a session in its order, global ones on any worker. */
record Executions(Desk desk, Ledger ledger) {

  Running<Prediction> of(String name, Map<String, ?> inputs) {
    if (!desk.isGlobal()) {
      return desk.ordered("execute", Executions::prediction, name, inputs, desk.how());
    }
    var account = new AtomicReference<Ledger.Account>();
    return desk.shared(
        name,
        found -> {
          account.set(ledger.account(name));
          return Call.of(Desk.MODULE + "run", name, found.packed(), inputs, found.how());
        },
        reply -> counted(Objects.requireNonNull(account.get()), prediction(reply)));
  }

  Running<Prediction> of(Program program, Map<String, ?> inputs) {
    Call call = Call.of(Desk.MODULE + "run_once", program.wire(), inputs, desk.how());
    return desk.anywhere(call, Executions::prediction);
  }

  Source<Piece, NotUsed> stream(String name, Map<String, ?> inputs) {
    Source<Piece, ?> pieces = desk.isGlobal() ? anywhere(name, inputs) : inOrder(name, inputs);
    return pieces
        .mapError(Throwable.class, Running::typed)
        .mapMaterializedValue(any -> NotUsed.getInstance());
  }

  private Source<Piece, ?> inOrder(String name, Map<String, ?> inputs) {
    return pieces(desk.streamOrdered(Call.of(Desk.MODULE + "stream", name, inputs, desk.how())));
  }

  private Source<Piece, ?> anywhere(String name, Map<String, ?> inputs) {
    return Source.lazyCompletionStageSource(
        () -> desk.find(name).thenApply(found -> anywhere(name, inputs, found)));
  }

  private Source<Piece, ?> anywhere(String name, Map<String, ?> inputs, Desk.Found found) {
    Call call = Call.of(Desk.MODULE + "run_stream", name, found.packed(), inputs, found.how());
    Ledger.Account account = ledger.account(name);
    return pieces(desk.streamAnywhere(call))
        .map(
            piece -> {
              if (piece instanceof Piece.Done last) {
                counted(account, last.prediction());
              }
              return piece;
            });
  }

  private static Source<Piece, RunningCall> pieces(Source<Chunk, RunningCall> chunks) {
    return chunks.map(chunk -> Piece.read(chunk.tree()));
  }

  private Prediction counted(Ledger.Account account, Prediction made) {
    ledger.count(account, made, desk.history());
    return made;
  }

  private static Prediction prediction(Reply reply) {
    return Prediction.read(reply.tree());
  }
}
