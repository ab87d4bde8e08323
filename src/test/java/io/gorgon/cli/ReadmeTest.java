package io.gorgon.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.gorgon.proving.Layer;
import io.gorgon.proving.NeedsLayer;
import io.gorgon.proving.TestMachine;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The hello world of the README, compiled and run as it stands there. */
@NeedsLayer(Layer.BRIDGE_MOCK)
class ReadmeTest {

  @TempDir Path directory;

  @Test
  void theHelloWorldSaysHello() throws IOException, InterruptedException {
    String readme = Files.readString(Path.of("README.md"));
    String python = block(readme, "hello.py");
    String java = block(readme, "Hello.java");
    assertThat(python.lines().filter(line -> !line.isBlank()).count()).isLessThanOrEqualTo(4);
    assertThat(java.lines().count()).isLessThanOrEqualTo(10);
    Files.writeString(directory.resolve("hello.py"), python);
    Path source =
        Files.writeString(
            directory.resolve("Hello.java"),
            "import io.gorgon.*;\nimport io.gorgon.message.*;\n"
                + "import org.apache.pekko.actor.typed.ActorSystem;\n"
                + "import org.apache.pekko.actor.typed.javadsl.Behaviors;\n"
                + "class Hello { public static void main(String[] args) {\n"
                + java
                + "} }\n");
    String classPath = System.getProperty("java.class.path");
    assertThat(
            ToolProvider.getSystemJavaCompiler()
                .run(
                    null,
                    null,
                    null,
                    "-cp",
                    classPath,
                    "-d",
                    directory.toString(),
                    source.toString()))
        .isZero();

    Path config =
        Files.writeString(
            directory.resolve("hello.conf"),
            "include classpath(\"application\")\ngorgon.pools.default { path = [\""
                + directory
                + "\"], python = \""
                + TestMachine.CURRENT.python()
                + "\" }\n");
    Path out = directory.resolve("out");
    Path err = directory.resolve("err");
    Process hello =
        new ProcessBuilder(
                List.of(
                    Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                    "-cp",
                    directory + ":" + classPath,
                    "-Dconfig.file=" + config,
                    "Hello"))
            .redirectOutput(out.toFile())
            .redirectError(err.toFile())
            .start();
    boolean ended = hello.waitFor(30, TimeUnit.SECONDS);
    hello.destroyForcibly();
    String said = Files.readString(out, StandardCharsets.UTF_8);
    assertThat(ended).as("it ends; it said %s and %s", said, Files.readString(err)).isTrue();

    assertThat(said).contains("Hello, Python!\n");
    assertThat(hello.exitValue()).isZero();
  }

  private static String block(String readme, String name) {
    int start = readme.indexOf("<!-- " + name + " -->");
    assertThat(start).as(name).isNotNegative();
    int open = readme.indexOf('\n', readme.indexOf("```", start)) + 1;
    return readme.substring(open, readme.indexOf("```", open));
  }
}
