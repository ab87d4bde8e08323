package io.gorgon.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.gorgon.PythonPool;
import io.gorgon.message.Call;
import io.gorgon.message.PythonFailure;
import io.gorgon.message.PythonFailure.InvalidSettings;
import io.gorgon.message.Values;
import java.io.File;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.pekko.stream.javadsl.FileIO;
import org.apache.pekko.stream.javadsl.Framing;
import org.apache.pekko.stream.javadsl.FramingTruncation;
import org.apache.pekko.stream.javadsl.Source;
import org.apache.pekko.stream.javadsl.StreamConverters;
import org.apache.pekko.util.ByteString;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Runs one call for each line of input and prints the results in the input's order. */
@Command(
    name = "map",
    mixinStandardHelpOptions = true,
    description = {
      "Calls a Python function for each JSON value, one a line, and prints one result a line, in order.",
      "Blank lines are left out. A line that fails becomes {\"error\": {...}} in its place."
    })
@SuppressWarnings("NullAway.Init")
final class MapCommand implements Callable<Integer> {

  private static final int IN_FLIGHT_PER_WORKER = 16;
  private static final int LONGEST_LINE = 64 * 1024 * 1024;

  @Mixin PoolOptions options;

  @Option(
      names = "--spread",
      description = "an array is positional arguments and an object keywords, instead of one value")
  boolean spread;

  @Parameters(index = "0", paramLabel = "TARGET", description = "module:function")
  String target;

  @Parameters(index = "1..*", paramLabel = "FILE", description = "input; standard input if none")
  List<File> files = new ArrayList<>();

  private record Line(long number, String text) {}

  @Override
  public Integer call() {
    files.stream()
        .filter(file -> !file.isFile())
        .findFirst()
        .ifPresent(
            file -> {
              throw new InvalidSettings("FILE", "names " + file + ", which is no file");
            });
    var failed = new AtomicLong();
    PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
    try (var running = new CommandPool(options, Map.of())) {
      var lines = new AtomicLong();
      int parallel = running.pool().settings().maxWorkers() * IN_FLIGHT_PER_WORKER;
      CommandPool.await(
          input()
              .via(
                  Framing.delimiter(
                      ByteString.fromString("\n"), LONGEST_LINE, FramingTruncation.ALLOW))
              .map(bytes -> new Line(lines.incrementAndGet(), bytes.utf8String().strip()))
              .filter(line -> !line.text().isEmpty())
              .mapAsync(parallel, line -> answer(running.pool(), line, failed))
              .takeWhile(result -> !out.checkError())
              .runForeach(
                  result -> {
                    out.println(result);
                    out.flush();
                  },
                  running.system()));
      out.flush();
    }
    return (failed.get() == 0 ? ExitCode.OK : ExitCode.SOME_LINES).number();
  }

  private Source<ByteString, ?> input() {
    if (files.isEmpty()) {
      InputStream in = System.in;
      return StreamConverters.fromInputStream(() -> in);
    }
    return Source.from(files).map(File::toPath).flatMapConcat(MapCommand::read);
  }

  /** A file whose last line has no end must not run into the next file's first. */
  private static Source<ByteString, ?> read(Path path) {
    return FileIO.fromPath(path).concat(Source.single(ByteString.fromString("\n")));
  }

  private CompletionStage<String> answer(PythonPool pool, Line line, AtomicLong failed) {
    Call call;
    try {
      JsonNode value = CallArguments.parse(line.text());
      call =
          spread && value.isContainerNode()
              ? CallArguments.spread(target, value)
              : Call.of(target, value);
    } catch (JsonProcessingException wrong) {
      failed.incrementAndGet();
      return CompletableFuture.completedFuture(
          error("InvalidInput", "no JSON: " + wrong.getOriginalMessage(), line));
    }
    return pool.call(call)
        .handle(
            (reply, failure) -> {
              if (reply != null) {
                return reply.json();
              }
              failed.incrementAndGet();
              Throwable cause =
                  failure instanceof CompletionException && failure.getCause() != null
                      ? failure.getCause()
                      : failure;
              String name = cause instanceof PythonFailure typed ? typed.name() : "Failure";
              return error(name, String.valueOf(cause.getMessage()), line);
            });
  }

  private static String error(String name, String message, Line line) {
    ObjectNode error = Values.mapper().createObjectNode();
    error.putObject("error").put("name", name).put("message", message).put("line", line.number());
    return error.toString();
  }
}
