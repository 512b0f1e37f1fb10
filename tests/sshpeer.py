"""An SSH server that asks for passwords: sshd itself would ask for those of the machine's users."""

import contextlib
import socket
import subprocess
import threading

import paramiko

PASSWORD = "open sesame"


class _Rules(paramiko.ServerInterface):
    """Lets in who knows the password, the way that is asked for, and runs commands."""

    def __init__(self, way):
        self._way = way
        self.commands = []

    def get_allowed_auths(self, username):
        return self._way

    def check_auth_password(self, username, password):
        return paramiko.AUTH_SUCCESSFUL if password == PASSWORD else paramiko.AUTH_FAILED

    def check_auth_interactive(self, username, submethods):
        query = paramiko.InteractiveQuery("", "")
        query.add_prompt("Magic word: ", False)
        query.add_prompt("Colour: ", True)
        return query

    def check_auth_interactive_response(self, responses):
        return paramiko.AUTH_SUCCESSFUL if responses == [PASSWORD, "blue"] else paramiko.AUTH_FAILED

    def check_channel_request(self, kind, chanid):
        return paramiko.OPEN_SUCCEEDED

    def check_channel_exec_request(self, channel, command):
        threading.Thread(target=_run, args=(channel, command), daemon=True).start()
        return True


def _run(channel, command):
    pipe = subprocess.PIPE
    with subprocess.Popen(["sh", "-c", command.decode()], stdin=pipe, stdout=pipe) as process:
        threading.Thread(target=_feed, args=(channel, process), daemon=True).start()
        while data := process.stdout.read1(65536):
            channel.sendall(data)
        channel.close()


def _feed(channel, process):
    with contextlib.suppress(OSError):
        while data := channel.recv(65536):
            process.stdin.write(data)
            process.stdin.flush()
        process.stdin.close()


@contextlib.contextmanager
def server(way):
    """Run one that takes `way`, "password" or "keyboard-interactive"; yield its port and host key."""
    key = paramiko.RSAKey.generate(2048)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve():
            with contextlib.suppress(OSError):
                while True:
                    transport = paramiko.Transport(listener.accept()[0])
                    transport.add_server_key(key)
                    with contextlib.suppress(paramiko.SSHException, EOFError):
                        transport.start_server(server=_Rules(way))

        threading.Thread(target=serve, daemon=True).start()
        yield listener.getsockname()[1], key
