package io.gorgon.dspy;

import io.gorgon.PythonPool;
import io.gorgon.RunningCall;
import io.gorgon.Session;
import io.gorgon.message.Call;
import io.gorgon.message.Chunk;
import io.gorgon.message.Reply;
import io.gorgon.session.SessionState;
import io.gorgon.tool.Tools;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;
import org.apache.pekko.stream.javadsl.Source;
import org.jspecify.annotations.Nullable;

/**
 * This makes the calls of commands on programs, and sends them: in the order of a session, or to
 * any worker with the program's data. Immutable.
 *
 * @param key of the session in which the programs are kept
 * @param model the language model of all calls, unless the session has one of its own; the pool's
 *     where no other was given
 * @param tools what programs may use besides what the pool offers
 * @param timeout of each call
 * @param history how many exchanges each prediction tells
 */
record Desk(
    PythonPool pool,
    String key,
    Optional<LanguageModel> model,
    Tools tools,
    Optional<Duration> timeout,
    int history) {

  static final String MODULE = "gorgon.programs:";

  private static final String PROGRAM = "gorgon.program/";
  private static final String MODEL = "gorgon.program-model";

  static Desk of(PythonPool pool, String key) {
    Optional<LanguageModel> usual = pool.settings().languageModel().map(LanguageModel::of);
    return new Desk(pool, key, usual, Tools.NONE, Optional.empty(), 0);
  }

  /** Whether these are the programs that belong to no session. */
  boolean isGlobal() {
    return key.equals(Programs.GLOBAL);
  }

  Desk withKey(String other) {
    return new Desk(pool, other, model, tools, timeout, history);
  }

  Desk with(LanguageModel other) {
    return new Desk(pool, key, Optional.of(other), tools, timeout, history);
  }

  Desk with(Tools more) {
    return new Desk(pool, key, model, tools.with(more), timeout, history);
  }

  Desk withTimeout(Duration limit) {
    return new Desk(pool, key, model, tools, Optional.of(limit), history);
  }

  Desk withHistory(int count) {
    return new Desk(pool, key, model, tools, timeout, count);
  }

  /** Calls that the pool's workers can run at once. */
  int parallel() {
    return pool.settings().maxWorkers() * pool.settings().worker().concurrency();
  }

  private Call limited(Call call) {
    return timeout.map(call::withTimeout).orElse(call);
  }

  private Session session() {
    return pool.session(key).with(tools);
  }

  // ---- roads

  /** In the order of the session. */
  <T> Running<T> ordered(String command, Function<Reply, T> read, @Nullable Object... arguments) {
    return Running.of(session().call(limited(Call.of(MODULE + command, arguments))), read);
  }

  Source<Chunk, RunningCall> streamOrdered(Call call) {
    return session().stream(limited(call));
  }

  /** On any worker. */
  <T> Running<T> anywhere(Call call, Function<Reply, T> read) {
    return Running.of(pool.call(limited(call), tools), read);
  }

  Source<Chunk, RunningCall> streamAnywhere(Call call) {
    return pool.stream(limited(call), tools);
  }

  /** On any worker, with the data of a program that is kept here. */
  <T> Running<T> shared(String name, Function<Found, Call> carrying, Function<Reply, T> read) {
    return Running.of(
        find(name).thenApply(found -> pool.call(limited(carrying.apply(found)), tools)), read);
  }

  // ---- what is kept

  /**
   * A program as it was kept last.
   *
   * @param packed its record, as Python wrote it
   * @param how what else a call of it carries
   */
  record Found(byte[] packed, Map<String, @Nullable Object> how) {}

  /** Looks a program up; {@link ProgramFailure.UnknownProgram} if there is none. */
  CompletionStage<Found> find(String name) {
    return session()
        .state()
        .thenCompose(
            state -> {
              Found found = found(name, state);
              return keptAlive(state).thenApply(any -> found);
            });
  }

  private Found found(String name, SessionState state) {
    byte[] packed = state.values().get(PROGRAM + name);
    if (packed == null) {
      throw ProgramFailure.UnknownProgram.of(
          name,
          state.values().keySet().stream()
              .filter(each -> each.startsWith(PROGRAM))
              .map(each -> each.substring(PROGRAM.length()))
              .sorted()
              .toList());
    }
    Map<String, @Nullable Object> how = how();
    if (state.values().containsKey(MODEL)) {
      how.put("model", state.decoded().get(MODEL)); // the session's own
    }
    return new Found(packed, how);
  }

  /**
   * To look at a state is no use of its session; a program that is used must not expire. Nobody
   * waits for that, but in a bridge, whose one worker has no line: there it would be in the way of
   * the call that it is made for.
   */
  private CompletionStage<?> keptAlive(SessionState state) {
    Duration ttl = pool.settings().session().ttl();
    if (ttl.isZero() || Instant.now().isBefore(state.touched().plus(ttl.dividedBy(4)))) {
      return CompletableFuture.completedFuture(state);
    }
    RunningCall touched = session().call(Call.of(MODULE + "touch"));
    return pool.settings().bridge()
        ? touched.handle((reply, failure) -> state)
        : CompletableFuture.completedFuture(state);
  }

  /** What each call carries. */
  Map<String, @Nullable Object> how() {
    var all = new LinkedHashMap<String, @Nullable Object>();
    all.put("model", model.map(LanguageModel::settings).orElse(null));
    all.put("history", history);
    return all;
  }
}
