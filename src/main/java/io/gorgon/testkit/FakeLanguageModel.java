package io.gorgon.testkit;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.gorgon.message.Values;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;

/**
 * A server that speaks as an OpenAI-compatible one does, on this machine's loopback: chat
 * completions, whole and streamed. What it answers is scripted, answer by answer, or made by a
 * function of what was asked; what it was asked is recorded. So the real client of DSPy, or of
 * whatever asks, runs with its retries and time limits, and no network is needed.
 *
 * <pre>{@code
 * try (var model = FakeLanguageModel.saying(FakeLanguageModel.fields("answer", "42"))) {
 *   model.next(ModelAnswer.rateLimited(Duration.ofSeconds(7)));
 *   LanguageModel.of("openai/fake").withBaseUrl(model.url()) ...
 * }
 * }</pre>
 *
 * <p>A kit has one, which ends with it: {@link GorgonTestKit#languageModel}, or a parameter of this
 * type. Thread-safe.
 */
public final class FakeLanguageModel implements AutoCloseable {

  /** Tokens of the prompt that every answer says it has used. */
  public static final int PROMPT_TOKENS = 11;

  /** Tokens of the answer that every answer says it has used. */
  public static final int COMPLETION_TOKENS = 7;

  private static final String PATH = "/v1/chat/completions";

  private final String name;
  private final HttpServer server;
  private final ExecutorService threads;
  private final LinkedBlockingQueue<Function<ModelRequest, ModelAnswer>> script =
      new LinkedBlockingQueue<>();
  private final List<ModelRequest> asked = new CopyOnWriteArrayList<>();
  private volatile Function<ModelRequest, ModelAnswer> otherwise;
  private volatile boolean closed;

  private FakeLanguageModel(String name, Function<ModelRequest, ModelAnswer> otherwise)
      throws IOException {
    var numbers = new AtomicLong();
    this.name = name;
    this.otherwise = otherwise;
    this.threads =
        Executors.newCachedThreadPool(
            task -> new Thread(task, name + "-" + numbers.incrementAndGet()));
    this.server =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 128);
  }

  /** Listens on a port of its own; refuses all that is not scripted (400), and says so. */
  public static FakeLanguageModel start() {
    return start(FakeLanguageModel::unscripted);
  }

  /** The same; answers by {@code otherwise} what is not scripted. */
  public static FakeLanguageModel start(Function<ModelRequest, ModelAnswer> otherwise) {
    return start("fake-model", otherwise);
  }

  /** The same answer to all that is not scripted. */
  public static FakeLanguageModel saying(String text) {
    return start(any -> ModelAnswer.text(text));
  }

  /** For a kit, which looks for its threads by that name. */
  static FakeLanguageModel named(String name) {
    return start(name, FakeLanguageModel::unscripted);
  }

  private static FakeLanguageModel start(
      String name, Function<ModelRequest, ModelAnswer> otherwise) {
    try {
      var model = new FakeLanguageModel(name, otherwise);
      model.server.createContext("/", model::answer);
      model.server.setExecutor(model.threads);
      model.server.start();
      return model;
    } catch (IOException failed) {
      throw new UncheckedIOException(failed);
    }
  }

  private static ModelAnswer unscripted(ModelRequest request) {
    return ModelAnswer.error(
        400,
        "the test has said no answer to '" + request.last() + "': see next(...), answers(...)");
  }

  /** A text that DSPy's chat adapter reads: names and values in turn. */
  public static String fields(String... namesAndValues) {
    var text = new StringBuilder();
    for (int i = 0; i < namesAndValues.length; i += 2) {
      text.append("[[ ## ").append(namesAndValues[i]).append(" ## ]]\n");
      text.append(namesAndValues[i + 1]).append("\n\n");
    }
    return text.append("[[ ## completed ## ]]").toString();
  }

  /** The base URL, as clients are told it: with {@code /v1}. */
  public String url() {
    return "http://127.0.0.1:" + server.getAddress().getPort() + "/v1";
  }

  // ---- what it answers

  /** From now on, all that is not scripted is answered by what {@code made} makes of it. */
  public FakeLanguageModel answers(Function<ModelRequest, ModelAnswer> made) {
    otherwise = made;
    return this;
  }

  /** From now on, all that is not scripted is answered with this message. */
  public FakeLanguageModel says(String text) {
    return answers(any -> ModelAnswer.text(text));
  }

  /** The next request is answered so, and so on in this order; each once. */
  public FakeLanguageModel next(ModelAnswer... answers) {
    for (ModelAnswer answer : answers) {
      script.add(any -> answer);
    }
    return this;
  }

  /** The next request is answered by what {@code made} makes of it; once. */
  public FakeLanguageModel nextOf(Function<ModelRequest, ModelAnswer> made) {
    script.add(made);
    return this;
  }

  // ---- what it was asked

  /** All that was asked, in order of arrival. */
  public List<ModelRequest> asked() {
    return List.copyOf(asked);
  }

  /**
   * What was asked last.
   *
   * @throws AssertionError if nothing was
   */
  public ModelRequest lastAsked() {
    List<ModelRequest> all = asked();
    if (all.isEmpty()) {
      throw new AssertionError("the language model was asked nothing");
    }
    return all.get(all.size() - 1);
  }

  private void answer(HttpExchange exchange) throws IOException {
    ModelAnswer answer;
    ModelRequest request;
    try {
      String key = exchange.getRequestHeaders().getFirst("Authorization");
      var body = Values.mapper().readTree(exchange.getRequestBody());
      request = new ModelRequest(key == null ? "" : key, body);
      if (exchange.getRequestURI().getPath().equals(PATH)) {
        asked.add(request);
        answer = made(request);
      } else {
        answer = ModelAnswer.error(404, "there is " + PATH + " here, and nothing else");
      }
    } catch (JsonProcessingException unreadable) {
      request = new ModelRequest("", Values.mapper().createObjectNode());
      answer = ModelAnswer.error(400, "no JSON: " + unreadable.getOriginalMessage());
    }
    try {
      new ModelExchange(exchange, answer, request.model()).write(request.isStream());
    } catch (InterruptedException closing) {
      Thread.currentThread().interrupt();
      throw new IOException("the language model closes", closing);
    }
  }

  private ModelAnswer made(ModelRequest request) {
    Function<ModelRequest, ModelAnswer> scripted = script.poll();
    try {
      return (scripted == null ? otherwise : scripted).apply(request);
    } catch (RuntimeException | AssertionError broken) {
      return ModelAnswer.error(400, "the test's answer threw " + broken);
    }
  }

  /**
   * Ends it; whoever waits for an answer is cut off.
   *
   * @throws AssertionError if there are answers that nobody asked for, or if its threads do not end
   */
  @Override
  public void close() {
    Leak.refuse(name, end());
  }

  /** Ends it; what was left over. */
  List<Leak> end() {
    if (closed) {
      return List.of();
    }
    closed = true;
    List<Leak> left = new ArrayList<>();
    if (!script.isEmpty()) {
      left.add(
          new Leak(
              Leak.Kind.ANSWER,
              script.size() + " of what next(...) scripted: the language model was not asked"));
    }
    server.stop(0);
    threads.shutdownNow();
    try {
      if (!threads.awaitTermination(Stages.PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
        left.add(new Leak(Leak.Kind.THREAD, "a thread of " + name + " does not end"));
      }
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
    }
    return left;
  }

  @Override
  public String toString() {
    return name + " at " + url() + ", asked " + asked.size() + " times";
  }
}
