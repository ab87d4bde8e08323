package io.gorgon.dspy;

import io.gorgon.PythonPool;
import io.gorgon.message.Call;
import io.gorgon.tool.Tools;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;
import org.apache.pekko.Done;
import org.apache.pekko.NotUsed;
import org.apache.pekko.stream.javadsl.Source;
import org.jspecify.annotations.Nullable;

/**
 * These are DSPy programs on the workers of a pool: the global ones, or those of a session. Cheap
 * to make, thread-safe; every {@code with...} method gives another view of the same programs.
 *
 * <pre>{@code
 * Programs programs =
 *     Programs.on(pool).with(LanguageModel.of("openai/gpt-4o-mini").withKeyFromEnvironment("KEY"));
 * programs.create("qa", Program.predict("question -> answer: float")).join();
 * double answer = programs.execute("qa", Map.of("question", "6 * 7")).join().as("answer", Double.class);
 * }</pre>
 *
 * <p>A program is data: its definition, and the state that DSPy saves of it, as JSON. Both are kept
 * in the state of a session ({@link PythonPool#session}), so they survive what that survives:
 * workers that die or are recycled, with a durable store the JVM as well. A worker makes the live
 * program when it first runs it, and keeps it.
 *
 * <p>What belongs to a <em>session</em> is done in the session's order, one after another: who
 * sends {@code create} and then {@code execute} need not wait between (but in a bridge, which has
 * no line). <em>Global</em> programs are kept in a session of their own, {@value #GLOBAL}; there,
 * commands that change something take its order, but those that do not ({@code execute}, {@code
 * stream}, {@code evaluate}, the work of {@code optimize}) are plain calls which carry the
 * program's data, a few kilobytes, so that all workers can run one program at once. The price: such
 * a command sees what has been kept when it is given, so wait for {@code create} first; and global
 * statistics are counted in this JVM.
 *
 * <p>The language model travels with each call, so nothing has to be told to a worker that replaces
 * another one; {@link #configure} keeps one in a session's state instead.
 */
public final class Programs {

  /** The key of the session in which global programs are kept. */
  public static final String GLOBAL = "gorgon.programs";

  private static final String SECRET = "gorgon.programs.secret";

  private final Desk desk;
  private final Ledger ledger;
  private final Shelf shelf;
  private final Executions executions;

  private Programs(Desk desk, Ledger ledger) {
    this.desk = desk;
    this.ledger = ledger;
    this.shelf = new Shelf(desk, ledger);
    this.executions = new Executions(desk, ledger);
  }

  /**
   * The global programs of a pool, with the language model that its settings name, if they name one
   * ({@code language-model}). Their statistics and history are those of this object and its views,
   * so keep it.
   */
  public static Programs on(PythonPool pool) {
    return new Programs(Desk.of(pool, GLOBAL), new Ledger());
  }

  // ---- views

  /**
   * The programs of a session. They are in the state of {@code pool.session(key)}, beside whatever
   * else is there, and go with it.
   */
  public Programs session(String key) {
    return new Programs(desk.withKey(key), ledger);
  }

  /**
   * With a language model for all programs, but those of sessions that have one of their own; it
   * goes before the pool's.
   */
  public Programs with(LanguageModel model) {
    return new Programs(desk.with(model), ledger);
  }

  /** With Java functions that programs may use, besides those that the pool offers. */
  public Programs with(Tools more) {
    return new Programs(desk.with(more), ledger);
  }

  /**
   * With a provider of secrets, for models that name one ({@link LanguageModel#withSecret}). It is
   * asked by a worker, over the pool's own socket, when that makes its connection to the model; it
   * may block. What it gives is in no log, no state and no failure.
   *
   * @param secrets from the name to the key; what it throws ends in {@code MISCONFIGURED}, as does
   *     null
   */
  public Programs withSecrets(Function<String, @Nullable String> secrets) {
    return with(Tools.NONE.with(SECRET, call -> secrets.apply(call.argument(0, String.class))));
  }

  /** With a deadline for each command; else it is the pool's {@code call-timeout}. */
  public Programs withTimeout(Duration limit) {
    return new Programs(desk.withTimeout(limit), ledger);
  }

  /**
   * With the last {@code count} exchanges with the model in each prediction, and kept for {@link
   * #history}: of a session in its state, in up to 64 KiB.
   */
  public Programs withHistory(int count) {
    return new Programs(desk.withHistory(count), ledger);
  }

  // ---- what there is

  /**
   * Makes a program and keeps it.
   *
   * @return fails with {@link ProgramFailure.DuplicateProgram}, {@link
   *     ProgramFailure.SignatureRefused}, {@link ProgramFailure.NotInstalled}
   */
  public Running<ProgramDescription> create(String name, Program program) {
    return shelf.create(name, program);
  }

  /**
   * Makes a program of a definition and a state that was saved: by {@link #save}, or by DSPy's
   * {@code save("file.json")}.
   *
   * @return fails with {@link ProgramFailure.StateRefused} too
   */
  public Running<ProgramDescription> load(String name, Program program, String saved) {
    return shelf.load(name, program, saved);
  }

  /** What DSPy saves of a program: demos and instructions, as JSON text. */
  public Running<String> save(String name) {
    return shelf.save(name);
  }

  /** All programs. */
  public Running<ProgramList> list() {
    return shelf.list();
  }

  /** What is known of a program. */
  public Running<ProgramDescription> describe(String name) {
    return shelf.describe(name);
  }

  /** How often a program ran, and what that has cost. */
  public Running<ProgramStatistics> statistics(String name) {
    return describe(name).then(found -> Running.completed(found.statistics()));
  }

  /** Makes a program what it was when it was created, its statistics too. */
  public Running<ProgramDescription> reset(String name) {
    return shelf.reset(name);
  }

  /** Forgets a program. */
  public Running<Done> delete(String name) {
    return shelf.delete(name);
  }

  /**
   * Forgets all programs here, with the model and the history; the rest of a session's state stays.
   *
   * @return how many programs there were
   */
  public Running<Integer> cleanup() {
    return shelf.cleanup();
  }

  /**
   * Keeps a language model for this session's programs, instead of the one given by {@link #with}.
   */
  public Running<Done> configure(LanguageModel own) {
    return desk.ordered("configure", reply -> Done.getInstance(), own.settings());
  }

  /** Drops the session's own language model again. */
  public Running<Done> unconfigure() {
    return desk.ordered("configure", reply -> Done.getInstance(), (Object) null);
  }

  /** The last exchanges with the model, oldest first, as {@link #withHistory} keeps them. */
  public Running<List<Exchange>> history() {
    return shelf.history();
  }

  /** Whether the workers have DSPy; {@link ProgramFailure.NotInstalled} if not. */
  public Running<DspyVersion> ping() {
    return desk.anywhere(
        Call.of(Desk.MODULE + "ping"),
        reply -> Objects.requireNonNull(reply.as(DspyVersion.class)));
  }

  /** The programs here and the pool's figures. */
  public CompletionStage<ProgramsStats> stats() {
    return list()
        .thenCombine(
            desk.pool().stats(), (programs, figures) -> ProgramsStats.of(programs, figures));
  }

  // ---- running

  /**
   * Runs a program.
   *
   * @param inputs by name; converted to the types of the signature
   * @return fails with {@link ProgramFailure.UnknownProgram}, {@link ProgramFailure.InputsRefused},
   *     {@link ProgramFailure.LanguageModelFailed}
   */
  public Running<Prediction> execute(String name, Map<String, ?> inputs) {
    return executions.of(name, inputs);
  }

  /** Runs a program that is kept nowhere. */
  public Running<Prediction> execute(Program program, Map<String, ?> inputs) {
    return executions.of(program, inputs);
  }

  /**
   * Runs a program, and gives what the model writes as it writes it; the last piece is the whole
   * prediction. A cancel ends the request to the model.
   */
  public Source<Piece, NotUsed> stream(String name, Map<String, ?> inputs) {
    return executions.stream(name, inputs);
  }

  // ---- better programs

  /**
   * Lets one of DSPy's optimizers improve a program, and keeps the result in its place. A long
   * call: {@link Running#progress} tells how many examples were judged, {@link Running#cancel} ends
   * it and leaves the program as it was. Meanwhile a session's other commands wait; global ones do
   * not, and a global program that was changed meanwhile stays so ({@link
   * ProgramFailure.ProgramChanged}).
   *
   * @param limit how long it may take
   */
  public Running<Optimized> optimize(
      String name, Optimizer optimizer, List<Example> examples, Duration limit) {
    return new Improvement(desk.withTimeout(limit), name, optimizer).by(examples);
  }

  /**
   * Runs a program on examples, on all workers at once, and judges its answers; in the order of the
   * examples. A failure of one is its result, and ends nothing. Sum up with {@link
   * Evaluation#sink}.
   */
  public Source<Scored, NotUsed> evaluate(String name, Source<Example, ?> examples, Metric metric) {
    return new Scoring(desk, name, metric).of(examples);
  }

  @Override
  public String toString() {
    return "Programs[" + desk.pool().name() + ", " + desk.key() + "]";
  }
}
