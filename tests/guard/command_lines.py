"""Command lines as agents and people write them: those that start a training or submit a job, and look-alikes that do not.

The folder holds train.py (trains), prepare.py (does not), submit.py (submits a job), run.sh, setup.sh and a Makefile.
"""

from __future__ import annotations

LAUNCHES = r"""
python train.py
python3 train.py
python3.11 -u train.py --lr 1e-4
"python" "train.py"
pyth''on train.py
\python train.py
./train.py
/usr/bin/python3 train.py
$(which python) train.py
$PYTHON train.py
alias p=python⏎p train.py
alias go='cd . && python train.py'⏎go --lr 1
alias python='python -u'⏎python train.py
PYTHONPATH=src python train.py
env FOO=1 python train.py
env -S python train.py
nohup python train.py > log 2>&1 &
( python train.py ) &
setsid -f python train.py
nice -n 5 python train.py
time python train.py
timeout 2h python train.py
stdbuf -oL python train.py | tee log
sudo -E python train.py
flock /tmp/lock python train.py
systemd-run --user python train.py
srun --gres=gpu:1 python train.py
srun -p gpu --gpus 2 --cpus-per-task 8 --mem 64G python train.py
srun --nodes 2 --ntasks-per-node 1 bash -c 'torchrun train.py'
salloc --gres gpu:1 -t 2:00:00 python train.py
sbatch run.sh
sbatch --gres gpu:1 -W run.sh
sbatch --gpus 1 --wrap "python train.py"
sbatch --wrap='python train.py' -p gpu
$HOME/.local/bin/hf jobs uv run train.py
$HF jobs uv run train.py
hf jobs $WHAT
$VENV/bin/python -m torch.distributed.run train.py
parallel python train.py --lr {} ::: 1e-4 2e-4
watch -n 60 python train.py
script -c 'python train.py' log
su -c 'python train.py' me
tmux new-session -d -s t 'python train.py'
tmux new -d python train.py
tmux send-keys -t 0 'python train.py' Enter
screen -dmS t python train.py
eval "python train.py"
bash -c 'python train.py'
sh -lc "cd . && python train.py"
bash -c "bash -c 'python train.py'"
bash run.sh
sh ./run.sh
./run.sh
source run.sh
. ./run.sh
bash < run.sh
cat run.sh | bash
bash <<< 'python train.py'
bash <<'EOF'⏎python train.py⏎EOF
cd . && python train.py
cd sub; cd ..; python train.py
true && python train.py || echo failed
if true; then python train.py; fi
for s in 1 2 3; do python train.py --seed $s; done
while true; do python train.py; done
function go { python train.py; }; go
go() { python train.py; }; go
echo 1 2 | xargs -n1 python train.py --seed
xargs -I{} python train.py --lr {} < rates
xargs -I{} bash -c 'python train.py --lr {} > {}.log' < rates
xargs -I{} bash -c 'hf jobs uv run train.py --lr={}' < rates
find . -name lrs -exec python train.py {} \;
make train
make
make -C . train LR=1
make -f Makefile train
poetry run python train.py
conda run -n env python train.py
pipenv run python train.py
rye run python train.py
uv run train.py
uv run python train.py
uv run --with trl train.py
uv run accelerate launch train.py
accelerate launch train.py
accelerate launch --num_processes 4 train.py
python -m accelerate.commands.launch train.py
torchrun --nproc-per-node 2 train.py
python -m torch.distributed.run train.py
deepspeed --num_gpus 2 train.py
trl sft --model_name_or_path m --dataset_name d
python -m trl sft --model_name_or_path m --dataset_name d
python - < train.py
python < train.py
cat train.py | python -
python -c "exec(open('train.py').read()); from trl import SFTTrainer; SFTTrainer('m').train()"
python -c "import os; os.system('python train.py')"
python -c "import subprocess; subprocess.run(['python', 'train.py'])"
ipython train.py
scripts/launch --env training train.py
cat > new.py <<'EOF'⏎from trl import SFTTrainer⏎SFTTrainer('m').train()⏎EOF⏎python new.py
hf jobs run python:3.12 python -c "print(1)"
hf jobs run --flavor a10g-large python:3.12 python train.py
hf jobs uv run train.py
hf jobs uv run --flavor a10g-large --timeout 4h train.py
hf jobs uv run -d train.py
JOB=$(hf jobs uv run -d train.py)
HF_TOKEN=x hf jobs uv run train.py
uvx --from huggingface_hub hf jobs uv run train.py
python -m huggingface_hub.cli.hf jobs uv run train.py
huggingface-cli jobs uv run train.py
hf jobs uv run https://example.com/train.py
hf jobs uv run missing.py
hf jobs scheduled uv run @daily train.py
hf jobs rerun 687fb701029421ae5549d998
hf jobs scheduled trigger 687fb701029421ae5549d998
hf jobs scheduled resume 687fb701029421ae5549d998
hf sandbox create --flavor a100-large
hf sandbox pool create
python -c "from huggingface_hub import rerun_job; rerun_job(job_id='x')"
python -c "from huggingface_hub import Sandbox; Sandbox.create(flavor='a100-large')"
curl -X POST https://huggingface.co/api/jobs/ada -d @job.json
hf jobs scheduled run "0 0 * * *" python:3.12 python -c 1
for lr in 1 2; do hf jobs uv run train.py --lr $lr; done
bash -c 'hf jobs uv run train.py'
nohup hf jobs uv run train.py &
if true; then hf jobs uv run train.py; fi
python submit.py
python -c "from huggingface_hub import run_uv_job; run_uv_job('train.py', flavor='a10g-large')"
python -c "from huggingface_hub import run_job; run_job(image='x', command=['python', 't.py'])"
python -c "from huggingface_hub import HfApi; HfApi().create_scheduled_uv_job('train.py', schedule='@daily')"
python - <<'EOF'⏎from huggingface_hub import run_job⏎run_job(image='x', command=['a'])⏎EOF
git pull && hf jobs uv run train.py
echo start; hf jobs uv run train.py; echo end
"""

HARMLESS = r"""
ls
ls -la | grep train.py
cat train.py
cat train.py | head -50
head -20 train.py
less train.py
sed -n 1,20p train.py
sed -i 's/python train.py/x/' run.sh
wc -l train.py
grep -n "hf jobs run" run.sh
grep "hf jobs uv run train.py" -r .
rg 'accelerate launch' .
ag torchrun
git add train.py
git commit -m "python train.py"
git commit -am "hf jobs uv run train.py; accelerate launch"
git log --oneline -- train.py
git diff train.py run.sh
git status && git diff
echo "hf jobs uv run train.py"
echo python train.py
printf 'python train.py\n'
printf '%s\n' "trl sft" > notes.txt
python --version
python3 -V
python -m pytest
python -m pytest tests -q
python -m pip install trl
python -m venv .venv
python -m json.tool config.json
python -m http.server 8000
python prepare.py
python prepare.py --out data
python -c "print(1)"
python -c "import trl; print(trl.__version__)"
python -c "import torch; print(torch.cuda.is_available())"
python -c "from huggingface_hub import inspect_job; print(inspect_job(job_id='x'))"
python -
python
pytest
pytest tests/test_train.py
pytest -k "train.py"
ruff check train.py
mypy train.py
black train.py
pip install trl
pip install -r requirements.txt
uv pip install trl
uv add trl
uv sync
uv run pytest
uv run ruff check .
hf jobs run --help
hf jobs uv run --help
hf jobs ps
hf jobs logs abc
hf jobs logs -f abc | grep loss
hf jobs inspect abc
hf jobs cancel abc
hf jobs hardware
hf jobs rerun --help
alias p=python
alias g='git commit -m'⏎g 'python train.py'
hf jobs scheduled list
hf jobs scheduled suspend abc
hf sandbox kill abc
curl https://huggingface.co/api/jobs/ada/abc
curl -X POST https://huggingface.co/api/jobs/ada/abc/cancel
hf jobs uv run --dry-run train.py
hf jobs uv run train.py --help
hf auth whoami
hf download Qwen/Qwen3-0.6B
hf upload me/model out
accelerate config
accelerate env
accelerate launch --help
torchrun --help
trl --help
trl env
trl vllm-serve --model m
nvidia-smi
watch nvidia-smi
watch -n1 'tail -5 train.log'
tail -f train.log
tail -n 100 log | grep loss
ps aux | grep train.py
pkill -f train.py
kill $(pgrep -f train.py)
cp train.py train_backup.py
mv train.py old/
rm -f train.pyc
chmod +x train.py
touch train.py
diff train.py prepare.py
stat train.py
code train.py
vim train.py
ls *.py
find . -name '*.py'
find . -name train.py -delete
du -sh . && df -h
make clean
make -n train
make --version
bash setup.sh
bash --version
source .venv/bin/activate
. .venv/bin/activate
tmux ls
tmux capture-pane -p -t 0
tmux kill-session -t t
screen -ls
which python
type accelerate
jupyter lab
tensorboard --logdir out
trackio show
npm test
docker ps
cat <<'EOF' > notes.md⏎python train.py⏎hf jobs uv run train.py⏎EOF
cat > train2.py <<'EOF'⏎from trl import SFTTrainer⏎SFTTrainer('m').train()⏎EOF
# python train.py
true # hf jobs uv run train.py
: 'hf jobs uv run train.py'
history | grep "python train.py"
awk '/python train.py/' run.sh
export CMD="python train.py"
CMD='hf jobs uv run train.py'
alias t='python train.py'
man python
curl -s https://example.com/train.py -o train.py
wget https://example.com/train.py
ssh host uptime
preflight_check train.py
preflight_check --launch 'hf jobs uv run train.py'
crontab -l
squeue -u me
scancel 5
sinfo
srun --pty bash
srun nvidia-smi
sbatch --help
sbatch setup.sh
sbatch --wrap 'nvidia-smi'
$VENV/bin/pip install trl
ls *.py | xargs grep train
ls *.py | xargs -I{} cp {} out/
"""


def lines(table: str) -> list[str]:
    return [line.replace("⏎", "\n") for line in table.strip("\n").splitlines()]
