"""Serves std_srvs/srv/SetBool as rmw_cyclonedds does: answers what it was asked."""

from cyclone_peer import Listener, arguments, quality, reader, run, say, taken, writer
from ros_types import SetBoolRequest, SetBoolResponse

options = arguments(("service", str, "/set"))
answers = writer(f"rr{options.service}Reply", SetBoolResponse, quality(options))


class Answers(Listener):
    def on_data_available(self, reader):
        for asked in taken(reader):
            said = f"asked for {bool(asked.data)}"
            answers.write(SetBoolResponse(asked.client, asked.number, asked.data, said))


requests = reader(f"rq{options.service}Request", SetBoolRequest, quality(options), Answers())
say(ready=True)
run()
